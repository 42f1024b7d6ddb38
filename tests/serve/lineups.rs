//! Several versions at once: canaries that answer a share, a shadow that is not heard.

use std::time::{Duration, Instant};

use crate::served::{ROW, Serving, curl, registered};
use crate::support::serving::ask;

/// Of two hundred people each is answered by one version, today and after a restart; about three in ten by the canary.
#[test]
fn a_canary_answers_its_share_and_the_same_people() {
    let project = registered();
    let words = [
        "serve",
        "house",
        "--canary",
        "house/2=30%",
        "--sticky",
        "X-User-Id",
        "--port",
        "0",
        "--json",
    ];
    let versions = || {
        let serving = Serving::start_as(&project, &words);
        let url = format!("{}/predict", serving.url);
        let version = |user: u32| {
            let header = format!("X-User-Id: user-{user}");
            let answer = curl(&["-d", ROW, "-H", &header, &url]);
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.header("X-Model-Version").to_owned()
        };
        let all: Vec<String> = (0..200).map(version).collect();
        let again: Vec<String> = (0..20).map(version).collect();
        assert_eq!(all[..20], again, "the same people");
        assert!(serving.stop().success());
        all
    };
    let first = versions();
    let canaries = first.iter().filter(|version| *version == "2").count();
    // 60 expected, with a standard deviation of 6.5
    assert!((34..=86).contains(&canaries), "{canaries} of 200");
    assert_eq!(versions(), first, "after a restart");
}

/// A shadow sees what was asked, and nobody hears it.
#[test]
fn a_shadow_sees_rows_and_is_not_heard() {
    let project = registered();
    let words = [
        "serve", "house", "--shadow", "house/2", "--port", "0", "--json",
    ];
    let serving = Serving::start_as(&project, &words);
    for _ in 0..5 {
        let answer = curl(&["-d", ROW, &format!("{}/predict", serving.url)]);
        assert_eq!(
            (answer.status, answer.header("X-Model-Version")),
            (200, "1")
        );
    }
    let expect = "hpipe_shadow_rows_total{model=\"house\",version=\"2\"} 5\n";
    let begun = Instant::now();
    loop {
        let (_, metrics) = ask(&serving.url, "GET", "/metrics", "").expect("answered");
        if metrics.contains(expect) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{metrics}");
    }
    assert!(serving.stop().success());
}
