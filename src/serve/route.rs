//! What a path means.

use hyper::Method;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Predict,
    Invocations,
    Health,
    Ping,
    Livez,
    Readyz,
    Version,
    Models,
    Metrics,
    Unknown,
}

impl Route {
    /// The routes as metrics call them, in the order of [`index`](Self::index).
    pub(crate) const NAMES: &'static [&'static str] = &[
        "/predict",
        "/invocations",
        "/health",
        "/ping",
        "/livez",
        "/readyz",
        "/version",
        "/models",
        "/metrics",
        "unknown",
    ];

    /// The route of a path.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/predict" => Self::Predict,
            "/invocations" => Self::Invocations,
            "/health" => Self::Health,
            "/ping" => Self::Ping,
            "/livez" => Self::Livez,
            "/readyz" => Self::Readyz,
            "/version" => Self::Version,
            "/models" => Self::Models,
            "/metrics" => Self::Metrics,
            _ => Self::Unknown,
        }
    }

    /// Its place among the names.
    pub(crate) const fn index(&self) -> usize {
        match self {
            Self::Predict => 0,
            Self::Invocations => 1,
            Self::Health => 2,
            Self::Ping => 3,
            Self::Livez => 4,
            Self::Readyz => 5,
            Self::Version => 6,
            Self::Models => 7,
            Self::Metrics => 8,
            Self::Unknown => 9,
        }
    }

    /// The methods it is asked with.
    pub(crate) const fn methods(&self) -> &'static str {
        match self {
            Self::Predict | Self::Invocations => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Whether it is asked with this method.
    pub(crate) fn takes(&self, method: &Method) -> bool {
        match self.methods() {
            "POST" => method == Method::POST,
            _ => method == Method::GET || method == Method::HEAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_routes() {
        for (i, name) in Route::NAMES.iter().enumerate() {
            assert_eq!(Route::of(name).index(), i, "{name}");
        }
    }
}
