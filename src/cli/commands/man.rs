//! `hpipe man`: manual pages, of the same words as `--help`.

use std::fs::{File, create_dir_all};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap_mangen::Man as Page;

use crate::args::{self, Man};
use crate::error::{Error, Exit};
use crate::session::Session;

/// Prints the page of hpipe, or writes a page for it and each of its commands.
pub(super) fn man(session: &Session, arguments: &Man) -> Result<Exit, Error> {
    let mut command = args::command();
    command.build();
    match &arguments.folder {
        None => {
            let page = page(&command).map_err(Error::Stdout)?;
            session.ui.data(&String::from_utf8_lossy(&page));
        }
        Some(folder) => {
            let folder = session.folder().join(folder);
            create_dir_all(&folder).map_err(failed(&folder))?;
            let pages = write(&folder, &command)?;
            let folder = folder.display();
            session.ui.note(&format!("wrote {pages} pages to {folder}"));
        }
    }
    Ok(Exit::Done)
}

fn page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Page::new(command.clone()).render(&mut page)?;
    Ok(page)
}

/// Writes the pages of a command and those below it; says how many.
fn write(folder: &Path, command: &clap::Command) -> Result<usize, Error> {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    let path = folder.join(format!("{name}.1"));
    let page = page(command).map_err(failed(&path))?;
    let mut file = File::create(&path).map_err(failed(&path))?;
    file.write_all(&page).map_err(failed(&path))?;
    let mut pages = 1;
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        pages += write(folder, below)?;
    }
    Ok(pages)
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = PathBuf::from(path);
    move |source| Error::File {
        attempt: "write",
        path,
        source,
    }
}
