//! Random pipelines, random edits and accidents, kills: after any sequence of them an incremental repro equals a clean one
//! byte for byte, lock file included, and a second repro executes nothing.
//!
//! Fast sequences, whose stages are a built-in in this process on a file system in memory, are played by the thousand;
//! slow ones have real shell commands. A sequence is its seed. `HPIPE_SEQUENCES=100000` plays that many fast ones,
//! `HPIPE_SECONDS=60` as many as that takes, `HPIPE_SEED=7` that one. A failure is made small: its seed, the steps that are
//! needed and what they did are printed. `tests/long.sh` plays many.

mod edit;
mod mix;
mod model;
mod repro;
mod sequence;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::Form;
use sequence::Script;

/// How many sequences are played if nobody asks for more: as many as take some seconds.
const FAST: u64 = 60;
const SLOW: u64 = 8;

/// How many shorter sequences are tried to understand one that fails.
const TRIALS: u32 = 80;

#[test]
fn incremental_equals_clean() {
    play(Form::Builtin, FAST);
}

#[test]
fn incremental_equals_clean_with_shell_commands() {
    play(Form::Shell, SLOW);
}

/// What a kill round starts: a repro that is ended from within. Does nothing unless asked to.
#[test]
fn repro_that_is_killed() {
    if let Some(root) = std::env::var_os(sequence::KILLED) {
        // However it ends, the parent looks at what is left.
        let _ = repro::run(root.as_ref(), 2, false);
    }
}

fn play(form: Form, usual: u64) {
    let number = |name| std::env::var_os(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
    let limit = number("HPIPE_SECONDS").map(Duration::from_secs);
    let seeds = match (number("HPIPE_SEED"), number("HPIPE_SEQUENCES"), limit) {
        (Some(seed), _, _) => seed..seed + 1,
        (_, Some(count), _) => {
            0..if form == Form::Builtin {
                count
            } else {
                count / 50
            }
        }
        (_, None, Some(_)) if form == Form::Builtin => 0..u64::MAX,
        _ => 0..usual,
    };
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    let seed = || {
        let is_time = limit.is_none_or(|limit| began.elapsed() < limit);
        let seed = is_time.then(|| next.fetch_add(1, Ordering::Relaxed));
        seed.filter(|seed| seeds.contains(seed))
    };
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            threads.spawn(|| {
                while let Some(seed) = seed() {
                    let script = Script::of(seed, form);
                    if let Err(story) = script.play() {
                        let told = shrink(script, story);
                        failures.lock().expect("nobody panics here").push(told);
                    }
                }
            });
        }
    });
    let played = next.into_inner().min(seeds.end) - seeds.start;
    #[expect(clippy::print_stdout, reason = "who plays many wants to know how many")]
    {
        println!("{played} sequences ({form:?}) in {:.1?}", began.elapsed());
    }
    let failures = failures.into_inner().expect("nobody panics there");
    assert!(
        failures.is_empty(),
        "{} of {played} sequences failed; play one with HPIPE_SEED\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

/// Leaves out steps as long as the rest still fails, and tells what remains.
fn shrink(mut script: Script, mut story: String) -> String {
    let mut trials = 0;
    let mut at = script.len();
    while at > 0 && trials < TRIALS {
        at -= 1;
        trials += 1;
        let shorter = script.without(at);
        if let Err(shorter_story) = shorter.play() {
            (script, story) = (shorter, shorter_story);
        }
    }
    format!("{script}\n{story}")
}
