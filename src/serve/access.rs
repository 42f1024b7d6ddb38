//! Who may ask: whoever knows the token, where there is one.

use hyper::HeaderMap;
use hyper::header;

use crate::route::Route;

/// A secret that requests show in `Authorization: Bearer …`.
#[derive(Clone)]
pub struct Token(Vec<u8>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// A token of visible ASCII characters, at least one; what is around it is left out.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_fine = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_fine.then(|| Self(text.as_bytes().to_vec()))
    }

    /// Whether a request may be answered: the routes that say whether the server is there are open to all.
    pub(crate) fn permits(&self, route: &Route, headers: &HeaderMap) -> bool {
        route.is_open()
            || headers.get(header::AUTHORIZATION).is_some_and(|shown| {
                let shown = shown.as_bytes();
                match shown.split_at_checked(7) {
                    Some((scheme, token)) => {
                        scheme.eq_ignore_ascii_case(b"bearer ") && self.is(token.trim_ascii())
                    }
                    None => false,
                }
            })
    }

    /// Compares in a time that depends on the length of what is shown alone: it tells nothing about the token.
    fn is(&self, shown: &[u8]) -> bool {
        let expected = self.0.iter().cycle();
        let differing = shown
            .iter()
            .zip(expected)
            .fold(0, |all, (a, b)| all | (a ^ b));
        let is_equal = std::hint::black_box(differing) == 0;
        is_equal & (shown.len() == self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_whole() {
        let token = Token::new(" abc \n").expect("a token");
        assert!(token.is(b"abc"));
        for other in [&b""[..], b"a", b"ab", b"abcabc", b"abd", b"ABC"] {
            assert!(!token.is(other), "{other:?}");
        }
        assert!(Token::new(" ").is_none() && Token::new("a b").is_none());
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
