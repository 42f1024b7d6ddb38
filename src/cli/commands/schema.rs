//! `hpipe schema`: the JSON schema of pipeline.yaml, for editors.

use crate::error::{Error, Exit};
use crate::session::Session;

/// Prints the schema.
pub(super) fn schema(session: &Session) -> Result<Exit, Error> {
    session.ui.data(hpipe_spec::pipeline_schema().trim_end());
    Ok(Exit::Done)
}
