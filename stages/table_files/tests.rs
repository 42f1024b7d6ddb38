//! Tables go out and come back, whole and in parts.

use super::*;
use hpipe_core::{Type, Values};

fn table(rows: std::ops::Range<usize>) -> Table {
    let x = |i: usize| (i % 7 != 3).then(|| i as f64 / 3.0);
    let word = |i: usize| Some(["a, b", "say \"c\"", "d\ne"][i % 3].to_owned());
    Table::new(vec![
        Column::number("x", rows.clone().map(x).collect()),
        Column {
            name: "n".to_owned(),
            values: Values::Integer(rows.clone().map(|i| Some(i as i64 - 2)).collect()),
        },
        Column {
            name: "word".to_owned(),
            values: Values::Text(rows.map(word).collect()),
        },
    ])
    .expect("a table")
}

/// The columns as their own types, as whoever knows them would read them.
fn typed(table: Table) -> Table {
    let kinds = [Type::Number, Type::Integer, Type::Text];
    let columns = table.into_columns().into_iter().zip(kinds);
    let cast = columns.map(|(column, kind)| {
        let (values, misfits) = column.values.cast(kind);
        assert_eq!(misfits, []);
        Column { values, ..column }
    });
    Table::new(cast.collect()).expect("a table")
}

const FORMATS: [(TableFormat, &str); 2] = [
    (TableFormat::Csv, "t.csv"),
    (TableFormat::Parquet, "t.parquet"),
];

#[test]
fn parts_come_back_as_they_were_written() {
    let folder = tempfile::tempdir().expect("a folder");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        let mut writer = Tables.create(&path, format).expect("a file");
        writer.write(&table(0..4)).expect("written");
        writer.write(&table(4..9)).expect("written");
        assert!(!path.exists(), "a file has its name when all is there");
        writer.finish().expect("finished");
        let mut reader = Tables.open(&path, format, 5).expect("a table");
        let first = typed(reader.next().expect("rows").expect("a part"));
        assert_eq!(first, table(0..5), "{name}");
        let second = typed(reader.next().expect("rows").expect("a part"));
        assert_eq!(second, table(5..9), "{name}");
        assert!(reader.next().expect("the end").is_none());
        assert_eq!(reader.read(), 1.0);
    }
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, FORMATS.len());
}

#[test]
fn a_table_without_rows_is_one_part_without_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        let mut writer = Tables.create(&path, format).expect("a file");
        writer.write(&table(0..0)).expect("written");
        writer.finish().expect("finished");
        let mut reader = Tables.open(&path, format, 5).expect("a table");
        let part = reader.next().expect("rows").expect("a part");
        assert!(part.names().eq(["x", "n", "word"]), "{name}");
        assert_eq!((part.rows(), reader.next().expect("the end")), (0, None));
    }
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        std::fs::write(&path, "before").expect("written");
        let mut writer = Tables.create(&path, format).expect("a file");
        writer.write(&table(0..4)).expect("written");
        drop(writer);
        assert_eq!(std::fs::read(&path).expect("bytes"), b"before");
    }
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, FORMATS.len());
}

#[test]
fn bodies_come_back_as_they_went_out() {
    for (format, _) in FORMATS {
        let bytes = Tables.encode(&table(0..9), format).expect("bytes");
        let back = Tables.decode(&bytes, format).expect("a table");
        assert_eq!(typed(back), table(0..9));
    }
    let body = b"x,n,word\nNA,1,\n";
    let read = Tables.decode(body, TableFormat::Csv).expect("a table");
    assert!(read.columns()[0].values.missing() + read.columns()[2].values.missing() == 2);
}

#[test]
fn faults_name_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "a,b\n1,2\n3,4\n5\n").expect("written");
    let mut reader = Tables.open(&path, TableFormat::Csv, 2).expect("a table");
    assert_eq!(reader.next().expect("rows").expect("a part").rows(), 2);
    let said = reader.next().expect_err("a short row");
    assert!(
        said.ends_with("t.csv is not a table: line 4 has 1 field, the header has 2"),
        "{said}"
    );
    let said = Tables
        .decode(b"PAR1", TableFormat::Parquet)
        .expect_err("no table");
    assert!(
        said.starts_with("cannot read the body as parquet: "),
        "{said}"
    );
    let said = Tables.open(&folder.path().join("none"), TableFormat::Parquet, 2);
    let said = said.err().expect("no file");
    assert!(
        said.starts_with("cannot read ") && said.contains("none"),
        "{said}"
    );
    assert!(
        Tables
            .create(&folder.path().join("no/t.csv"), TableFormat::Csv)
            .is_err()
    );
}
