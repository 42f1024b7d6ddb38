//! The log of predictions: written, joined, or done without.

use std::io::{BufReader, Read as _};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::served::{Serving, done, registered};

/// What was answered is in the log when the server has ended; what became true is added by the request's id.
#[test]
fn truths_join_what_was_answered() {
    let project = registered();
    project.write(".git/HEAD", "ref: refs/heads/main\n"); // what git shall ignore is told where git is
    let serving = Serving::start(&project);
    let rows = r#"{"inputs": [{"income": 1.0, "age": 3}, {"income": 2.0, "age": 3}]}"#;
    let url = serving.url.clone();
    let asked = |id: &str| {
        let header = format!("X-Request-Id: {id}");
        let mut curl = Command::new("curl");
        curl.args(["-sSf", "-H", &header, "-d", rows, &format!("{url}/predict")]);
        done(&mut curl);
    };
    asked("order-7");
    asked("order-8");
    assert!(serving.stop().success());
    let ignored = project.read("models/.gitignore");
    assert!(ignored.contains("/predictions.db\n"), "{ignored}");
    project.write("sold.csv", "order,row,price\nnobody,0,5.0\n");
    let words = ["predictions", "join", "sold.csv", "--on", "order", "--json"];
    let joined = project.hpipe(words).output().expect("hpipe starts");
    let said = String::from_utf8_lossy(&joined.stdout).into_owned();
    assert_eq!(
        said, "{\"v\":1,\"matched\":0,\"known\":0,\"conflicting\":0,\"unknown\":1}\n",
        "{joined:?}"
    );
    for (rows, more, code, expect) in [
        (
            "order-7,0,5.0\norder-7,1,6.0\norder-7,0,5.0\n",
            "",
            0,
            "2 predictions know their truth now\n",
        ),
        (
            "order-7,0,5.0\norder-8,0,6.0\nnobody,0,1\n",
            "",
            0,
            "1 prediction knows its truth now; 1 prediction knew it before; 1 row belongs to none\n",
        ),
        (
            "order-8,1,1\norder-7,0,7.0\n",
            "",
            0,
            "1 prediction knows its truth now\nwarning: 1 prediction knew another truth, and kept it; `--replace` puts the new \
             one in its place\n",
        ),
        (
            "order-7,0,7.0\n",
            "--replace",
            0,
            "1 prediction knows its truth now\n",
        ),
        (
            "order-9,0,1\norder-9,0,2\n",
            "",
            2,
            "error[E106]: row 0 of the request `order-9` has two truths: 1 and 2\nhelp: nothing was added; a column `row`, \
             from 0, tells the rows of one request apart\n",
        ),
        (
            "order-7,0,1\norder-7,1,inf\n",
            "",
            2,
            "error[E106]: column `price`, row 2, is not finite\nhelp: nothing was added; leave the value out where nobody \
             knows it\n",
        ),
    ] {
        project.write("sold.csv", &format!("order,row,price\n{rows}"));
        let words = ["predictions", "join", "sold.csv", "--on", "order", more];
        let words = words.into_iter().filter(|word| !word.is_empty());
        let joined = project.hpipe(words).output().expect("hpipe starts");
        let said = [joined.stdout, joined.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(
            (joined.status.code(), said.as_str()),
            (Some(code), expect),
            "{rows}"
        );
    }
    let wrong = ["predictions", "join", "sold.csv"];
    let wrong = project.hpipe(wrong).output().expect("hpipe starts");
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("the file has no column `id`"), "{said}");
}

/// Where SQLite can make no file beside a database, as on a read-only disk, what is registered is served, and not logged.
#[test]
fn a_project_that_cannot_be_written_is_served_without_a_log() {
    let project = registered();
    for name in ["track.db-shm", "predictions.db"] {
        let path = project.root().join("models").join(name);
        std::os::unix::fs::symlink(&path, &path).expect("a link to itself");
    }
    let mut serving = Serving::start_as(&project, &["serve", "--port", "0", "--json"]);
    assert_eq!(serving.predict(r#"{"income": 10.0, "age": 3}"#).len(), 1);
    kill_process(Pid::from_child(&serving.child), Signal::TERM).expect("it runs");
    let mut said = String::new();
    let stderr = serving.child.stderr.take().expect("a pipe");
    BufReader::new(stderr)
        .read_to_string(&mut said)
        .expect("a text");
    let begins = "warning: predictions are not logged: failed to use ";
    assert!(
        said.contains(begins) && said.contains("`--no-log`"),
        "{said}"
    );
    project.write("rows.csv", "income,age\n10,3\n");
    done(&mut project.hpipe(["predict", "house", "rows.csv", "-o", "out.csv"]));
    assert!(
        project
            .read("out.csv")
            .starts_with("income,age,prediction\n10,3,")
    );
}
