//! How an execution is carried out: what it takes, what it must not overlap with, how long it may last, where it runs.
//!
//! The keys that hpipe adds to DVC's and that say nothing of what a stage reads or makes. Here they are read and checked;
//! carrying them out is the engine's. Whether a pool or an executor exists is not known here: settings may declare it.

use std::borrow::Cow;
use std::time::Duration;

use hpipe_core::{Code, Diagnostic, Span};

use crate::faults::{self, Faults};
use crate::node::{Data, Entry, Node};
use crate::quantity;
use crate::shape::{self, find};
use crate::stage::Reader;
use crate::track::Track;

/// How the executions of a stage are carried out. The default is what a stage says that has none of these keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Execution {
    /// `resources:`, what an execution takes from the machine.
    pub resources: Resources,
    /// `mutex:`, names that no two executions hold at once; each once, in the order written.
    pub mutex: Vec<Named>,
    /// `pool:`, of whose places an execution takes one.
    pub pool: Option<Named>,
    /// `timeout:`, after which an execution is ended; never zero.
    pub timeout: Option<Duration>,
    /// `retry:`, what happens when an execution fails.
    pub retry: Retry,
    /// `shell:`, what executes the commands; none for `/bin/sh`, and always none for a built-in.
    pub shell: Option<Shell>,
    /// `sandbox:`, whether a command can read only its deps and write only its outs; none leaves it to whoever asks.
    pub sandbox: Option<bool>,
    /// `executor:`, where it runs; none leaves it to the settings.
    pub executor: Option<Named>,
    /// `track:`, whether and how executions become runs; none leaves it to whoever records.
    pub track: Option<Track>,
}

impl Execution {
    /// What a stage says that says nothing.
    pub(crate) const PLAIN: Self = Self {
        resources: Resources {
            millicpus: None,
            memory: None,
            gpus: None,
        },
        mutex: Vec::new(),
        pool: None,
        timeout: None,
        retry: Retry::NEVER,
        shell: None,
        sandbox: None,
        executor: None,
        track: None,
    };
}

/// What an execution takes from the machine's budget; none is left to the engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a CPU, so that budgets add up exactly.
    pub millicpus: Option<u32>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Number of GPUs.
    pub gpus: Option<u32>,
}

/// How often, and after which time, an execution that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// Most further attempts after the first.
    pub times: u32,
    /// How long to wait before the second attempt.
    pub delay: Duration,
    /// What the delay is multiplied by after each further failure; at least 1.
    pub backoff: f64,
}

/// Nobody waits longer for another attempt, however a backoff has grown: a year, which clocks can still add.
const LONGEST_DELAY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Retry {
    const NEVER: Self = Self {
        times: 0,
        delay: Duration::ZERO,
        backoff: 1.0,
    };

    /// How long to wait before attempt number `attempt`, counted from 1; none if that is not to be made.
    pub fn delay_before(&self, attempt: u32) -> Option<Duration> {
        match attempt.checked_sub(2) {
            None => Some(Duration::ZERO),
            Some(_) if attempt - 1 > self.times => None,
            Some(_) if self.delay.is_zero() => Some(Duration::ZERO),
            Some(failures) => {
                let factor = self.backoff.powi(failures.min(1_000) as i32);
                let seconds = self.delay.as_secs_f64() * factor;
                let delay = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_DELAY);
                Some(delay.min(LONGEST_DELAY))
            }
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::NEVER
    }
}

/// The program that executes the commands of a stage: each is given to it after `-c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// A name that is looked for in `PATH`, or a path.
    pub program: String,
    /// Its arguments before `-c`.
    pub arguments: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// A name with its place: of a mutex, a pool, an executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where it is written.
    pub span: Span,
}

/// An entry of `pools:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// How many executions it lets run at once; at least 1.
    pub size: u32,
    /// Where its name is written.
    pub span: Span,
}

/// Reads `pools:` of a file.
pub(crate) fn pools(section: &Node, faults: &mut Faults) -> Vec<Pool> {
    let pool = |Entry { key, value }: &Entry| {
        let size = match &value.data {
            Data::Int(size) => u32::try_from(*size).ok().filter(|size| *size > 0),
            _ => None,
        };
        if size.is_none() {
            let what = format!("the size of pool `{}`", key.text);
            faults.unfitting(value, what, "a whole number from 1");
        }
        Some(Pool {
            name: key.text.clone(),
            size: size?,
            span: key.span,
        })
    };
    section.entries().iter().filter_map(pool).collect()
}

/// A number of bytes below a mebibyte lacks its unit.
const LEAST: u64 = 1 << 20;

/// Keys of `resources:`.
pub(crate) const RESOURCES: &[&str] = &["cpus", "memory", "gpus"];

/// Keys of `retry:`.
pub(crate) const RETRY: &[&str] = &["times", "delay", "backoff"];

impl<'a> Reader<'a> {
    /// How executions are carried out; none if the stage says nothing of it.
    pub(crate) fn execution(&mut self) -> Option<Box<Execution>> {
        let execution = Execution {
            resources: self.resources(),
            mutex: self.mutex(),
            pool: self.named("pool"),
            timeout: self.timeout(),
            retry: self.retry(),
            shell: self.shell(),
            sandbox: self.find("sandbox").map(|_| self.flag("sandbox")),
            executor: self.named("executor"),
            track: self.track(),
        };
        (execution != Execution::PLAIN).then(|| Box::new(execution))
    }

    fn resources(&mut self) -> Resources {
        let entries = self.section("resources", RESOURCES);
        let mut resources = Resources::default();
        for Entry { key, value } in entries.iter().filter(|entry| !entry.value.is_null()) {
            let (fits, expected) = match key.text.as_str() {
                "cpus" => {
                    resources.millicpus = millicpus(&value.data);
                    (
                        resources.millicpus.is_some(),
                        "a number above 0, to three digits",
                    )
                }
                "memory" => {
                    let bytes = quantity::bytes(&value.data).filter(|bytes| *bytes > 0);
                    // Whoever writes `4` means no four bytes.
                    let is_slip =
                        |bytes: &u64| matches!(value.data, Data::Int(_)) && *bytes < LEAST;
                    resources.memory = bytes.filter(|bytes| !is_slip(bytes));
                    (resources.memory.is_some(), quantity::SIZE)
                }
                "gpus" => {
                    resources.gpus = whole(&value.data);
                    (resources.gpus.is_some(), "a whole number")
                }
                _ => continue, // told by `section`
            };
            if !fits {
                let what = format!("`{}` in `resources` of {}", key.text, self.what);
                self.faults.unfitting(value, what, expected);
            }
        }
        resources
    }

    fn timeout(&mut self) -> Option<Duration> {
        let value = &self.find("timeout")?.value;
        let timeout = quantity::duration(&value.data).filter(|timeout| !timeout.is_zero());
        if timeout.is_none() {
            let what = format!("`timeout` of {}", self.what);
            self.faults.unfitting(value, what, quantity::DURATION);
        }
        timeout
    }

    /// `3`, or `{times: 3, delay: 10s, backoff: 2}`.
    fn retry(&mut self) -> Retry {
        let Some(entry) = self.find("retry") else {
            return Retry::NEVER;
        };
        match &entry.value.data {
            Data::Map(_) => self.retry_of_keys(entry),
            _ => Retry {
                times: self.times(&entry.value),
                ..Retry::NEVER
            },
        }
    }

    fn retry_of_keys(&mut self, entry: &'a Entry) -> Retry {
        let mut retry = Retry::NEVER;
        let entries = self.section("retry", RETRY);
        match find(entries, "times") {
            Some(times) => retry.times = self.times(&times.value),
            None => {
                let message = format!("`retry` of {} does not say how often", self.what);
                let fault = Diagnostic::error(Code::Incomplete, message).at(entry.key.span, "");
                self.faults
                    .push(fault.help("add `times: 3`, or write `retry: 3`"));
            }
        }
        if let Some(Entry { value, .. }) = find(entries, "delay") {
            match quantity::duration(&value.data) {
                Some(delay) => retry.delay = delay,
                None => {
                    let what = format!("`delay` in `retry` of {}", self.what);
                    self.faults.unfitting(value, what, quantity::DURATION);
                }
            }
        }
        if let Some(Entry { value, .. }) = find(entries, "backoff") {
            match number(&value.data).filter(|factor| factor.is_finite() && *factor >= 1.0) {
                Some(factor) => retry.backoff = factor,
                None => {
                    let what = format!("`backoff` in `retry` of {}", self.what);
                    self.faults.unfitting(value, what, "a number from 1");
                }
            }
        }
        retry
    }

    fn times(&mut self, value: &Node) -> u32 {
        let times = whole(&value.data);
        if times.is_none() {
            let what = format!("the number of retries of {}", self.what);
            let expected = "a whole number, or a mapping `{times, delay, backoff}`";
            self.faults.unfitting(value, what, expected);
        }
        times.unwrap_or_default()
    }

    fn mutex(&mut self) -> Vec<Named> {
        let Some(entry) = self.find("mutex") else {
            return Vec::new();
        };
        let mut names: Vec<Named> = Vec::new();
        let items = match &entry.value.data {
            Data::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        for item in items {
            let named = self.name("mutex", item);
            let is_new = |named: &Named| names.iter().all(|known| known.name != named.name);
            names.extend(named.filter(is_new));
        }
        names
    }

    fn named(&mut self, key: &str) -> Option<Named> {
        self.name(key, &self.find(key)?.value)
    }

    fn name(&mut self, key: &str, node: &Node) -> Option<Named> {
        let what = format_args!("`{key}` of {}", self.what);
        let name = shape::text(node, what, self.faults)?;
        if name.trim().is_empty() {
            let message = format!("a name in `{key}` of {} is empty", self.what);
            let fault = Diagnostic::error(Code::WrongType, message).at(node.span, "");
            self.faults
                .push(fault.help("give it a name, or remove the key"));
            return None;
        }
        Some(Named {
            name: name.into_owned(),
            span: node.span,
        })
    }

    /// `bash -e`, or `[bash, -e]` where an argument holds a space.
    fn shell(&mut self) -> Option<Shell> {
        let entry = self.find("shell")?;
        let what = format!("`shell` of {}", self.what);
        let mut words = match &entry.value.data {
            Data::List(items) => {
                let text = |item| shape::text(item, &what, self.faults).map(Cow::into_owned);
                items.iter().map(text).collect::<Option<Vec<_>>>()?
            }
            Data::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
            _ => {
                let expected = "a program with its arguments, as a text or a list";
                self.faults.wrong_type(&entry.value, what, expected);
                return None;
            }
        };
        if words.first().is_none_or(|program| program.is_empty()) {
            let fault = Diagnostic::error(Code::Incomplete, format!("{what} names no program"));
            let fault = fault.at(entry.value.span, "");
            self.faults
                .push(fault.help("write it as `bash -e`, or remove the key"));
            return None;
        }
        Some(Shell {
            program: words.remove(0),
            arguments: words,
            span: entry.value.span,
        })
    }

    /// The entries of a key that holds a mapping of these keys.
    pub(crate) fn section(&mut self, key: &str, known: &[&str]) -> &'a [Entry] {
        let Some(entry) = self.find(key) else {
            return &[];
        };
        let what = format!("`{key}` of {}", self.what);
        let entries = shape::map(&entry.value, &what, &mapping_of(known), self.faults);
        for Entry { key, .. } in entries {
            if !known.contains(&key.text.as_str()) {
                self.faults.unknown_key(&key.text, key.span, &what, known);
            }
        }
        entries
    }
}

fn mapping_of(known: &[&str]) -> String {
    format!("a mapping with {}", faults::listed(known.iter().copied()))
}

fn whole(data: &Data) -> Option<u32> {
    match data {
        Data::Int(number) => u32::try_from(*number).ok(),
        _ => None,
    }
}

fn number(data: &Data) -> Option<f64> {
    match data {
        Data::Int(number) => Some(*number as f64),
        Data::Float(number) => Some(*number),
        _ => None,
    }
}

fn millicpus(data: &Data) -> Option<u32> {
    let thousandths = (number(data)? * 1000.0).round();
    (1.0..=f64::from(u32::MAX))
        .contains(&thousandths)
        .then_some(thousandths as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_with_each_failure() {
        let retry = Retry {
            times: 3,
            delay: Duration::from_secs(10),
            backoff: 2.0,
        };
        let delays: Vec<_> = (1..=5).map(|attempt| retry.delay_before(attempt)).collect();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(
            delays,
            [seconds(0), seconds(10), seconds(20), seconds(40), None]
        );
        assert_eq!(Retry::NEVER.delay_before(2), None);
        let endless = Retry {
            times: u32::MAX,
            ..retry
        };
        assert_eq!(endless.delay_before(u32::MAX), Some(LONGEST_DELAY));
        let at_once = Retry {
            delay: Duration::ZERO,
            ..endless
        };
        assert_eq!(at_once.delay_before(u32::MAX), Some(Duration::ZERO));
    }
}
