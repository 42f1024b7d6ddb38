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
    /// The description of the interface, made of the model's own schema.
    OpenApi,
    /// The same as a page for people.
    Docs,
    /// KServe's V1: how a model is.
    V1Model(Named),
    /// KServe's V1: rows to predictions.
    V1Predict(Named),
    /// Open Inference Protocol V2: of the server.
    V2Server,
    V2Live,
    V2Ready,
    /// Open Inference Protocol V2: of a model.
    V2Model(Named),
    V2ModelReady(Named),
    V2Infer(Named),
    Unknown,
}

/// The model, and maybe the version, that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) model: String,
    pub(crate) version: Option<String>,
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
        "/openapi.json",
        "/docs",
        "/v1/models/{model}",
        "/v1/models/{model}:predict",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{model}",
        "/v2/models/{model}/ready",
        "/v2/models/{model}/infer",
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
            "/openapi.json" => Self::OpenApi,
            "/docs" => Self::Docs,
            "/v2" => Self::V2Server,
            "/v2/health/live" => Self::V2Live,
            "/v2/health/ready" => Self::V2Ready,
            path => named(path).unwrap_or(Self::Unknown),
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
            Self::OpenApi => 9,
            Self::Docs => 10,
            Self::V1Model(_) => 11,
            Self::V1Predict(_) => 12,
            Self::V2Server => 13,
            Self::V2Live => 14,
            Self::V2Ready => 15,
            Self::V2Model(_) => 16,
            Self::V2ModelReady(_) => 17,
            Self::V2Infer(_) => 18,
            Self::Unknown => 19,
        }
    }

    /// Whether anybody may ask it: it says nothing but whether the server is there.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Health | Self::Ping | Self::Livez | Self::Readyz | Self::V2Live | Self::V2Ready
        )
    }

    /// Whether rows are asked about.
    pub(crate) const fn is_asking(&self) -> bool {
        matches!(
            self,
            Self::Predict | Self::Invocations | Self::V1Predict(_) | Self::V2Infer(_)
        )
    }

    /// Whether faults are told in the words of the inference protocols.
    pub(crate) const fn is_protocol(&self) -> bool {
        matches!(
            self,
            Self::V1Model(_)
                | Self::V1Predict(_)
                | Self::V2Model(_)
                | Self::V2ModelReady(_)
                | Self::V2Infer(_)
        )
    }

    /// The model that the path names.
    pub(crate) const fn named(&self) -> Option<&Named> {
        match self {
            Self::V1Model(named)
            | Self::V1Predict(named)
            | Self::V2Model(named)
            | Self::V2ModelReady(named)
            | Self::V2Infer(named) => Some(named),
            _ => None,
        }
    }

    /// The methods it is asked with.
    pub(crate) const fn methods(&self) -> &'static str {
        match self.is_asking() {
            true => "POST",
            false => "GET, HEAD",
        }
    }

    /// Whether it is asked with this method.
    pub(crate) fn takes(&self, method: &Method) -> bool {
        match self.is_asking() {
            true => method == Method::POST,
            false => method == Method::GET || method == Method::HEAD,
        }
    }
}

/// A path of the inference protocols that names a model.
fn named(path: &str) -> Option<Route> {
    if let Some(rest) = path.strip_prefix("/v1/models/") {
        let of = |model: &str| Named {
            model: model.to_owned(),
            version: None,
        };
        return match rest.strip_suffix(":predict") {
            Some(model) if !model.contains('/') => Some(Route::V1Predict(of(model))),
            None if !rest.contains('/') => Some(Route::V1Model(of(rest))),
            _ => None,
        };
    }
    let mut words = path.strip_prefix("/v2/models/")?.split('/');
    let model = words.next()?.to_owned();
    let mut verb = words.next();
    let mut version = None;
    if verb == Some("versions") {
        version = Some(words.next()?.to_owned());
        verb = words.next();
    }
    let named = Named { model, version };
    match (verb, words.next()) {
        (None, None) => Some(Route::V2Model(named)),
        (Some("ready"), None) => Some(Route::V2ModelReady(named)),
        (Some("infer"), None) => Some(Route::V2Infer(named)),
        _ => None,
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

    #[test]
    fn paths_name_models_and_versions() {
        let of = |model: &str, version: Option<&str>| Named {
            model: model.to_owned(),
            version: version.map(str::to_owned),
        };
        let check = |path: &str, route: Route| assert_eq!(Route::of(path), route, "{path}");
        check("/v1/models/house", Route::V1Model(of("house", None)));
        check("/v1/models/a:b:predict", Route::V1Predict(of("a:b", None)));
        check("/v1/models/house/predict", Route::Unknown);
        check("/v2/models/house/infer", Route::V2Infer(of("house", None)));
        let three = of("house", Some("3"));
        check("/v2/models/house/versions/3", Route::V2Model(three.clone()));
        check(
            "/v2/models/house/versions/3/infer",
            Route::V2Infer(three.clone()),
        );
        check(
            "/v2/models/house/versions/3/ready",
            Route::V2ModelReady(three),
        );
        check("/v2/models/house/versions", Route::Unknown);
        check("/v2/models/house/infer/x", Route::Unknown);
    }
}
