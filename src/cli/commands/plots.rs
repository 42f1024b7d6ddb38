//! `hpipe plots`: what stages wrote to be drawn, on one page.

mod collect;
mod page;

use std::path::Path;
use std::process::{Command, Stdio};

use hpipe_core::ProjectPath;
use hpipe_engine::{Snapshot, WORKSPACE, Workspace};

use crate::args::{Drawing, PlotsDiff, PlotsShow};
use crate::error::{Error, Exit};
use crate::gallery::Gallery;
use crate::json;
use crate::session::Session;
use crate::unread;

/// Where the page goes if the user says nothing.
const FOLDER: &str = "hpipe_plots";
/// The page itself.
const PAGE: &str = "index.html";

/// Draws the plots of the workspace.
pub(super) fn show(session: &Session, arguments: &PlotsShow) -> Result<Exit, Error> {
    let revisions = [WORKSPACE.to_owned()];
    draw(session, &revisions, &arguments.targets, &arguments.drawing)
}

/// Draws the plots of several revisions over each other.
pub(super) fn diff(session: &Session, arguments: &PlotsDiff) -> Result<Exit, Error> {
    let mut revisions = arguments.revisions.clone();
    if revisions.is_empty() {
        revisions.push("HEAD".to_owned());
    }
    if let [one] = revisions.as_slice()
        && one != WORKSPACE
    {
        revisions.push(WORKSPACE.to_owned());
    }
    draw(session, &revisions, &arguments.targets, &arguments.drawing)
}

fn draw(
    session: &Session,
    revisions: &[String],
    targets: &[String],
    drawing: &Drawing,
) -> Result<Exit, Error> {
    let workspace = session.open()?;
    page::check_template(drawing.template.as_deref())?;
    let mut snapshots = Vec::new();
    for (place, revision) in revisions.iter().enumerate() {
        if !revisions[..place].contains(revision) {
            snapshots.push(Snapshot::at(&workspace, revision)?);
        }
    }
    for text in snapshots.iter().flat_map(Snapshot::warnings) {
        session.ui.warning(text);
    }
    let gallery = collect::collect(&workspace, &snapshots, targets, drawing)?;
    session.tell_warnings(&workspace);
    unread::warn(&session.ui, &gallery.unread);
    if let (true, Some(column)) = (
        gallery.is_empty(),
        drawing.y.as_ref().or(drawing.x.as_ref()),
    ) {
        return Err(Error::Usage {
            message: format!("nothing can be drawn with the column `{column}`"),
            help: "take one of those that the warnings name".to_owned(),
        });
    }
    if drawing.json {
        session.ui.data(&json::plots(&gallery));
    } else if gallery.is_empty() {
        session.ui.note(match gallery.unread.is_empty() {
            true => "no plots to draw: a stage declares its own under `plots:`",
            false => "nothing to draw",
        });
    } else {
        write(session, &workspace, &gallery, drawing)?;
    }
    Ok(Exit::Done)
}

/// Writes the page and says where it is, as an address that terminals make a link of.
fn write(
    session: &Session,
    workspace: &Workspace,
    gallery: &Gallery,
    drawing: &Drawing,
) -> Result<(), Error> {
    let (html, warnings) = page::page(gallery);
    warnings.iter().for_each(|text| session.ui.warning(text));
    let folder = drawing.out.as_deref().unwrap_or(Path::new(FOLDER));
    let folder = workspace.location().folder.join(&folder.to_string_lossy());
    let path = folder.join(PAGE);
    let store = workspace.store();
    store.create_parent(&path)?;
    store.write_file(&path, html.as_bytes())?;
    let page = path.on_disk(store.root());
    session.ui.data(&address(&page));
    if drawing.open {
        open(session, &page);
    }
    Ok(())
}

/// `file:///home/ada/my%20project/hpipe_plots/index.html`
fn address(path: &Path) -> String {
    let path = ProjectPath::new(&path.to_string_lossy());
    let mut address = "file://".to_owned();
    for byte in path.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                address.push(byte.into());
            }
            _ => address.extend(format!("%{byte:02X}").chars()),
        }
    }
    address
}

/// Asks the desktop to show the page; a machine without one is no reason to fail.
fn open(session: &Session, page: &Path) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut command = Command::new(program);
    command
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let failure = match command.status() {
        Ok(status) if status.success() => return,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    session.ui.warning(&format!(
        "failed to open the page with `{program}`: {failure}"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_percent_encoded() {
        assert_eq!(
            address(Path::new("/a b/ä#/x.html")),
            "file:///a%20b/%C3%A4%23/x.html"
        );
    }
}
