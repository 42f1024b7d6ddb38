//! Alerts to an address: posted by a thread of its own, so that no verdict waits for a network.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::time::Duration;

use hpipe_core::with_causes;
use hpipe_forward::Hook;
use hpipe_monitor::{Alert, Severity};

use super::unusable;
use crate::args::Monitor;
use crate::error::Error;
use crate::json;
use crate::session::Session;
use crate::ui::Ui;

/// Messages that wait; more are lost and counted.
const QUEUE: usize = 64;

/// How long a command that is done waits for what is not posted yet.
const PATIENCE: Duration = Duration::from_secs(40);

/// Who is told of alerts.
pub(in crate::commands) struct Webhook {
    messages: SyncSender<String>,
    /// Says something, or that nobody says it any more, when all is posted.
    done: Receiver<()>,
    ui: Arc<Ui>,
    /// What is told: alerts at least as bad.
    least: Severity,
    model: String,
    input: String,
}

impl Webhook {
    /// Where the command line or the settings want alerts; none if they do not.
    pub(super) fn of(
        session: &Session,
        arguments: &Monitor,
        model: &str,
        input: &str,
    ) -> Result<Option<Self>, Error> {
        let Some(hook) = hook(session, arguments)? else {
            return Ok(None);
        };
        let (messages, waiting) = sync_channel::<String>(QUEUE);
        let (end, done) = channel();
        let ui = session.ui.clone();
        let told = ui.clone();
        std::thread::spawn(move || {
            for message in waiting {
                if let Err(error) = hook.post(&message) {
                    told.warning(&format!(
                        "no alert was posted: failed to {}",
                        with_causes(&error)
                    ));
                }
            }
            drop(end);
        });
        Ok(Some(Self {
            messages,
            done,
            ui,
            least: arguments.fail_on.least().unwrap_or(Severity::Critical),
            model: model.to_owned(),
            input: input.to_owned(),
        }))
    }

    /// Posts those of these alerts that are bad enough, as one message; at once, whatever the network does.
    pub(super) fn tell<'b>(&self, alerts: impl Iterator<Item = &'b Alert>) {
        let alerts: Vec<_> = alerts
            .filter(|alert| alert.severity >= self.least)
            .collect();
        if alerts.is_empty() {
            return;
        }
        let time = hpipe_store::now_millis();
        let message = json::alerts(&self.model, &self.input, time, &alerts);
        if let Err(TrySendError::Full(_)) = self.messages.try_send(message) {
            let text = "an alert was not posted: too many wait for the webhook to answer";
            self.ui.warning(text);
        }
    }

    /// Waits for what is not posted yet, but not for ever.
    pub(super) fn finish(self) {
        drop(self.messages);
        if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = self.done.recv_timeout(PATIENCE) {
            self.ui
                .warning("the webhook does not answer: some alerts were not posted");
        }
    }
}

/// Refuses an address that is none.
pub(super) fn hook(session: &Session, arguments: &Monitor) -> Result<Option<Hook>, Error> {
    let set = session.settings()?.text("monitor.webhook");
    let Some(address) = arguments.webhook.as_deref().or(set) else {
        return Ok(None);
    };
    let hook = Hook::new(address).map_err(|_| {
        let message = format!("`{address}` is no address");
        unusable(
            message,
            "alerts are posted to `http://HOST/PATH` or `https://HOST/PATH`",
        )
    });
    hook.map(Some)
}
