//! What the module header promises: canonical, local, and distrustful.

use std::collections::HashSet;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

fn entry(name: &str, byte: u8) -> Entry {
    Entry {
        name: name.as_bytes().to_vec(),
        content: Content::file(Digest::blake3([byte; 32]), 7, false),
    }
}

fn many(count: usize) -> Vec<Entry> {
    let mut entries: Vec<_> = (0..count).map(|i| entry(&format!("f{i}"), 1)).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// The root and the digests of all nodes.
fn built(entries: Vec<Entry>) -> (Content, HashSet<Digest>) {
    let mut nodes = HashSet::new();
    let root = build::<Infallible>(entries, &mut |digest, bytes| {
        assert_eq!(decode(&bytes).map(|node| encode(&node)), Ok(bytes));
        nodes.insert(digest);
        Ok(())
    });
    let Ok(root) = root;
    (root, nodes)
}

#[test]
fn a_small_folder_is_one_node() {
    let (root, nodes) = built(many(MOST_ENTRIES));
    assert_eq!(nodes.len(), 1);
    assert_eq!((root.files, root.size), (1024, 7 * 1024));
}

#[test]
fn the_empty_folder_is_a_node() {
    let (root, nodes) = built(Vec::new());
    assert_eq!((root.files, root.size, root.object_size), (0, 0, 16));
    assert_eq!(nodes.len(), 1);
}

#[test]
fn nodes_stay_within_their_limit() {
    build::<Infallible>(many(20_000), &mut |_, bytes| {
        let items = match decode(&bytes) {
            Ok(Node::Leaf(entries)) => entries.len(),
            Ok(Node::Index(children)) => children.len(),
            Err(error) => panic!("{error}"),
        };
        assert!(items <= MOST_ENTRIES, "{items}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn totals_survive_the_cutting() {
    let (root, nodes) = built(many(20_000));
    assert_eq!((root.files, root.size), (20_000, 140_000));
    assert!(nodes.len() > 20);
}

#[test]
fn one_change_rewrites_few_nodes() {
    let (_, before) = built(many(20_000));
    let mut changed = many(20_000);
    changed[11_111].content.digest = Digest::blake3([2; 32]);
    let (_, after) = built(changed);
    assert_eq!(after.difference(&before).count(), 2, "a leaf and the index");

    let mut longer = many(20_000);
    longer.insert(0, entry("a new first name", 3));
    let (_, after) = built(longer);
    let rewritten = after.difference(&before).count();
    assert!(rewritten <= 4, "{rewritten} of {}", before.len());
}

#[test]
fn the_executable_bit_is_part_of_a_folder() {
    let mut entries = vec![entry("run.sh", 1)];
    let (plain, _) = built(entries.clone());
    entries[0].content.executable = true;
    let (executable, _) = built(entries);
    assert_ne!(plain.digest, executable.digest);
}

#[test]
fn what_is_no_node_is_refused() {
    let node = Node::Leaf(vec![entry("a", 1), entry("b", 2)]);
    let good = encode(&node);
    for length in 0..good.len() {
        assert!(decode(&good[..length]).is_err(), "cut to {length}");
    }
    assert!(decode(&[&good[..], &[0]].concat()).is_err());
    assert!(decode(&vec![0; good.len()]).is_err());
    for name in ["", ".", "..", "a/b", "a\0"] {
        assert!(decode(&encode(&Node::Leaf(vec![entry(name, 1)]))).is_err());
    }
    let unsorted = Node::Leaf(vec![entry("b", 1), entry("a", 1)]);
    let doubled = Node::Leaf(vec![entry("a", 1), entry("a", 2)]);
    assert!(decode(&encode(&unsorted)).is_err());
    assert!(decode(&encode(&doubled)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn one_entry_less_and_again_is_the_same_tree(count in 1..3000_usize, seed: usize) {
        let whole = built(many(count));
        let mut entries = many(count);
        let taken = entries.remove(seed % count);
        let less = built(entries.clone());
        prop_assert_ne!(less.0.digest, whole.0.digest);
        entries.push(taken);
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        prop_assert_eq!(built(entries), whole);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
        let _ = decode(&[&MAGIC[..], &[1, 0, 0, 0], &bytes].concat());
    }
}
