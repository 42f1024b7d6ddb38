//! Tokens and TLS, asked with curl.

use crate::served::{ROW, Serving, curl, registered};

const CERTIFICATE: &str = include_str!("../../src/serve/tests/serving/tls/certificate.pem");
const KEY: &str = include_str!("../../src/serve/tests/serving/tls/key.pem");

#[test]
fn only_who_shows_the_token_is_answered() {
    let project = registered();
    project.write("token", "correct-horse-battery-staple\n");
    let words = ["serve", "--port", "0", "--json", "--token-file", "token"];
    let serving = Serving::start_as(&project, &words);
    let predict = format!("{}/predict", serving.url);
    let of = |header: &str| curl(&["-d", ROW, "-H", header, &predict]);
    let none = of("X-Nothing: 1");
    assert_eq!(
        (none.status, none.header("WWW-Authenticate")),
        (401, "Bearer")
    );
    assert_eq!(of("Authorization: Bearer correct-horse").status, 401);
    assert_eq!(
        of("Authorization: Bearer correct-horse-battery-staple").status,
        200
    );
    let health = curl(&[&format!("{}/health", serving.url)]);
    assert_eq!(health.status, 200, "whoever watches need not know it");
    let metrics = curl(&[&format!("{}/metrics", serving.url)]);
    assert_eq!(metrics.status, 401, "{metrics:?}");
    assert!(serving.stop().success());
}

#[test]
fn connections_are_kept_secret() {
    let project = registered();
    project.write("certificate.pem", CERTIFICATE);
    project.write("key.pem", KEY);
    let words = [
        "serve",
        "--port",
        "0",
        "--json",
        "--tls-cert",
        "certificate.pem",
        "--tls-key",
        "key.pem",
    ];
    let serving = Serving::start_as(&project, &words);
    let port = serving.url.rsplit(':').next().expect("a port");
    assert!(serving.url.starts_with("https://"), "{}", serving.url);
    let url = format!("https://localhost:{port}/predict");
    let certificate = project.root().join("certificate.pem");
    let certificate = certificate.to_str().expect("a text");
    let answer = curl(&["--cacert", certificate, "-d", ROW, &url]);
    assert_eq!(
        (answer.status, answer.header("X-Model-Version")),
        (200, "1")
    );
    let strange = std::process::Command::new("curl")
        .args(["-sS", "-d", ROW, &url])
        .output();
    let strange = strange.expect("curl starts");
    assert_eq!(
        strange.status.code(),
        Some(60),
        "nobody vouches for it: {strange:?}"
    );
    let plain = std::process::Command::new("curl")
        .args([
            "-sS",
            "-d",
            ROW,
            &format!("http://localhost:{port}/predict"),
        ])
        .output();
    assert!(
        !plain.expect("curl starts").status.success(),
        "nothing is said without TLS"
    );
    assert!(serving.stop().success());
}
