//! How many, and from where: limits and page tokens.

use hpipe_track::LedgerError;

use crate::fields::Fields;

/// Reads `max_results`: as many as said, `default` if nothing is said, at most `most`.
pub(crate) fn limit(
    fields: &Fields<'_>,
    default: usize,
    most: usize,
) -> Result<usize, LedgerError> {
    let asked = fields.integer("max_results")?;
    let Some(asked) = asked else {
        return Ok(default);
    };
    match usize::try_from(asked) {
        Ok(limit) if limit > most => Err(LedgerError::invalid(format!(
            "Invalid value for request parameter max_results. It must be at most {most}, but got value {asked}"
        ))),
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(LedgerError::invalid(format!(
            "Invalid value {asked} for parameter 'max_results' supplied. It must be a positive integer"
        ))),
    }
}

/// Where the page begins that the token names.
pub(crate) fn offset(fields: &Fields<'_>) -> Result<usize, LedgerError> {
    let token = fields.text("page_token")?;
    token.map_or(Ok(0), |token| {
        let number = token.strip_prefix("from-").and_then(|n| n.parse().ok());
        number.ok_or_else(|| LedgerError::invalid(format!("Invalid page token: {token}")))
    })
}
