//! Whether every row of a CSV file has as many fields as its header.
//!
//! polars fills short rows with missing values and says nothing; a row cut short by a full disk would become data. So the
//! file is looked through once before polars reads it, at the speed of the disk.

use std::io::{self, BufRead, BufReader, Read};

/// What is wrong with the shape of a CSV file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadShape {
    /// There is no header.
    Empty,
    /// A row, which begins in this line, has more or fewer fields than the header.
    Ragged {
        line: usize,
        fields: usize,
        header: usize,
    },
    /// A quoted field, of the row that begins in this line, does not end.
    OpenQuote { line: usize },
}

/// Looks through a CSV file: fields end at `separator`, rows at line breaks, unless within double quotes.
///
/// Empty lines at the end do not count.
///
/// # Errors
/// Those of reading; the inner result says what is wrong with the shape.
pub(crate) fn check(file: impl Read, separator: u8) -> io::Result<Result<(), BadShape>> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut header = None;
    let mut empty_line = None;
    let (mut line, mut start, mut fields, mut length) = (1, 1, 1, 0usize);
    let mut quoted = false;
    loop {
        let block = reader.fill_buf()?;
        let count = block.len();
        // a last row may have no line break
        let end = if count == 0 && length > 0 {
            &b"\n"[..]
        } else {
            &[]
        };
        for &byte in block.iter().chain(end) {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if quoted && count == 0 => {
                    return Ok(Err(BadShape::OpenQuote { line: start }));
                }
                b'\n' if quoted => line += 1,
                b'\n' => {
                    if length == 0 {
                        empty_line.get_or_insert(line);
                    } else if let Some(line) = empty_line {
                        return Ok(ragged(line, 1, header.unwrap_or(1)));
                    } else if *header.get_or_insert(fields) != fields {
                        return Ok(ragged(start, fields, header.unwrap_or(fields)));
                    }
                    line += 1;
                    (start, fields, length) = (line, 1, 0);
                    continue;
                }
                b'\r' => continue,
                byte if byte == separator && !quoted => fields += 1,
                _ => {}
            }
            length += 1;
        }
        reader.consume(count);
        if count == 0 {
            break;
        }
    }
    Ok(header.map(drop).ok_or(BadShape::Empty))
}

const fn ragged(line: usize, fields: usize, header: usize) -> Result<(), BadShape> {
    Err(BadShape::Ragged {
        line,
        fields,
        header,
    })
}

impl BadShape {
    /// The same in a file that has `lines` more between the header and the rest.
    pub(crate) fn moved(self, lines: usize) -> Self {
        match self {
            Self::Ragged {
                line,
                fields,
                header,
            } => Self::Ragged {
                line: line + lines,
                fields,
                header,
            },
            Self::OpenQuote { line } => Self::OpenQuote { line: line + lines },
            Self::Empty => Self::Empty,
        }
    }
}

impl std::fmt::Display for BadShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::Ragged {
                line,
                fields,
                header,
            } => write!(
                f,
                "line {line} has {fields} {}, the header has {header}",
                if *fields == 1 { "field" } else { "fields" },
            ),
            Self::OpenQuote { line } => {
                write!(f, "a quoted field of the row in line {line} does not end")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(), BadShape>) {
        assert_eq!(
            super::check(text.as_bytes(), b',').expect("bytes"),
            expect,
            "{text:?}"
        );
    }

    #[test]
    fn rows_are_as_long_as_the_header() {
        check("a,b\n1,2\n", Ok(()));
        check("a,b\r\n1,2\r\n\r\n\n", Ok(()));
        check("a,b\n1,2", Ok(()));
        check("a,b\n\"x,\n\"\"y\",2\n3,\n", Ok(()));
        check("a", Ok(()));
        check("", Err(BadShape::Empty));
        check("\n\n", Err(BadShape::Empty));
    }

    #[test]
    fn faults_are_told_with_their_line() {
        check("a,b\n\"x\n\",2\n3\n", ragged(4, 1, 2));
        check("a,b\n1,2,3\n", ragged(2, 3, 2));
        check("a,b\n\n1,2\n", ragged(2, 1, 2));
        check("a,b\n1,\"2\n", Err(BadShape::OpenQuote { line: 2 }));
    }
}
