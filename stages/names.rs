//! Names of columns, options and metrics in messages: which known name is nearest to a mistyped one.

/// The known name nearest to `name`, if one is near enough to be what was meant.
///
/// Near enough: at most a third of its letters are inserted, deleted, replaced or swapped with a neighbour
/// (Damerau–Levenshtein), or only upper and lower case and separators differ. The earliest of equally near ones.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' ', '.'], "_");
    let wanted = plain(name);
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&wanted, &plain(candidate));
            (distance, candidate)
        })
        .filter(|(distance, candidate)| {
            *distance * 3 <= name.chars().count().max(candidate.chars().count())
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The help for a name that is not known: the nearest one, or all there are.
pub(crate) fn suggest<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known {what}: {}", list(known)),
    }
}

/// The names in backticks, separated by commas; after twenty only how many more there are.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{} and {} more", quoted[..SHOWN].join(", "), n - SHOWN),
        _ => quoted.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["median_income", "total_rooms", "Latitude"];
        let check = |name, expect| assert_eq!(nearest(name, known), expect, "{name}");
        check("median_incme", Some("median_income"));
        check("Median Income", Some("median_income"));
        check("latitude", Some("Latitude"));
        check("ocean_proximity", None);
    }

    #[test]
    fn suggests_one_or_lists_all() {
        assert_eq!(
            suggest("columns", "bb", ["x", "y"]),
            "known columns: `x`, `y`"
        );
        assert_eq!(
            suggest("columns", "Rooms", ["rooms"]),
            "did you mean `rooms`?"
        );
        let many: Vec<String> = (0..25).map(|i| format!("c{i}")).collect();
        assert!(list(many.iter().map(String::as_str)).ends_with("`c19` and 5 more"));
        assert_eq!(list([]), "none");
    }
}
