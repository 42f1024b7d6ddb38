//! How far a long piece of work is that is no stage: one line, redrawn, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Steps of the bar.
const STEPS: u64 = 1000;

/// A bar; gone when it ends.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(what: &str, is_shown: bool) -> Self {
        let target = match is_shown {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(STEPS), target);
        let template = "{msg} {wide_bar} {percent:>3} % {elapsed}, {eta} left";
        let style = ProgressStyle::with_template(template);
        let bar = match style {
            Ok(style) => bar.with_style(style),
            Err(error) => panic!("bug: the template `{template}` is broken: {error}"),
        };
        Self(bar.with_message(what.to_owned()))
    }

    /// Draws how much is done, from 0 to 1.
    pub(crate) fn to(&self, done: f64) {
        self.0
            .set_position((done.clamp(0.0, 1.0) * STEPS as f64) as u64);
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
