//! Questions about paths around and inside each other, answered from a sorted map without looking at all of it.

use std::collections::BTreeMap;
use std::ops::Bound;

use hpipe_core::ProjectPath;

/// `path` itself and every folder around it, innermost first.
pub(crate) fn around(path: &ProjectPath) -> impl Iterator<Item = ProjectPath> + use<> {
    std::iter::successors(Some(path.clone()), ProjectPath::parent)
}

/// The entries strictly inside `folder`: in sorted order they are neighbours.
pub(crate) fn inside<'a, V>(
    map: &'a BTreeMap<ProjectPath, V>,
    folder: &ProjectPath,
) -> impl Iterator<Item = (&'a ProjectPath, &'a V)> + use<'a, V> {
    let prefix = match folder.as_str() {
        "." => String::new(),
        "/" => "/".to_owned(),
        other => format!("{other}/"),
    };
    let folder = folder.clone();
    let start = prefix.clone();
    map.range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
        .take_while(move |(path, _)| path.as_str().starts_with(&prefix))
        .filter(move |(path, _)| **path != folder && path.is_within(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_lies_inside() {
        let paths = ["a", "a.b", "a/b", "a/b/c", "a0", "b", "../x", "/y"];
        let map: BTreeMap<_, _> = paths
            .into_iter()
            .map(|path| (ProjectPath::new(path), ()))
            .collect();
        let found = |folder| -> Vec<_> {
            inside(&map, &ProjectPath::new(folder))
                .map(|(path, ())| path.to_string())
                .collect()
        };
        assert_eq!(found("a"), ["a/b", "a/b/c"]);
        assert_eq!(found("."), ["a", "a.b", "a/b", "a/b/c", "a0", "b"]);
        assert_eq!(found("/"), ["/y"]);
        assert!(found("c").is_empty());
    }
}
