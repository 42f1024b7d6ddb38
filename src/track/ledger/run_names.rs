//! Names for runs that nobody named: `brave-heron-417`.

/// What a run may be like.
const QUALITIES: [&str; 64] = [
    "able", "agile", "amber", "bold", "brave", "bright", "brisk", "calm", "candid", "clever",
    "crisp", "curious", "daring", "deft", "eager", "early", "fair", "fleet", "fond", "frank",
    "gentle", "glad", "golden", "grand", "happy", "hardy", "honest", "humble", "jolly", "keen",
    "kind", "lively", "loyal", "lucky", "mellow", "merry", "mild", "modest", "neat", "nimble",
    "noble", "patient", "placid", "plucky", "polite", "proud", "quick", "quiet", "rapid", "ready",
    "royal", "serene", "sharp", "shy", "silent", "sleek", "smart", "solid", "steady", "swift",
    "tidy", "vivid", "warm", "wise",
];

/// What a run may be called after.
const ANIMALS: [&str; 64] = [
    "ant", "badger", "bat", "bear", "beaver", "bee", "bison", "boar", "carp", "cat", "crab",
    "crane", "crow", "deer", "dove", "duck", "eagle", "eel", "elk", "falcon", "finch", "fox",
    "frog", "gnu", "goat", "goose", "gull", "hare", "hawk", "heron", "horse", "ibex", "jay",
    "kite", "koala", "lark", "lion", "lynx", "mink", "mole", "moose", "moth", "newt", "otter",
    "owl", "panda", "perch", "pike", "quail", "rabbit", "ram", "raven", "robin", "seal", "shrew",
    "skunk", "sloth", "stork", "swan", "tapir", "toad", "trout", "wolf", "wren",
];

/// A name made of the digits of an id, so that it is as random as that.
pub(crate) fn name_of(id: &str) -> String {
    let tail = id.get(id.len().saturating_sub(12)..).unwrap_or_default();
    let number = u64::from_str_radix(tail, 16).unwrap_or_default();
    let quality = QUALITIES[(number % 64) as usize];
    let animal = ANIMALS[(number / 64 % 64) as usize];
    format!("{quality}-{animal}-{}", number / 4096 % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_ids() {
        assert_eq!(name_of("00000000000000000000000000000000"), "able-ant-0");
        assert_eq!(name_of("000000000000000000000000001a2b3c"), "tidy-owl-418");
        assert_eq!(name_of("?"), "able-ant-0");
    }
}
