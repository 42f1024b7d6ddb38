//! Alerts to an address: posted by a thread of its own, so that no verdict waits for a network.
//!
//! What was posted is noted in the records, by the digest of the address, so that whoever watches every hour is not told the same
//! thing every hour: not again for a while, unless it gets worse. An alert whose message did not arrive was not told.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::time::Duration;

use hpipe_core::with_causes;
use hpipe_forward::Hook;
use hpipe_monitor::{Alert, Severity};
use hpipe_track::Ledger;
use hpipe_track::ledger::PostedAlert;

use super::{seconds, unusable};
use crate::args::Monitor;
use crate::commands::models;
use crate::error::Error;
use crate::json;
use crate::registering::open_ledger;
use crate::session::Session;
use crate::ui::{Ui, count};

/// Messages that wait; more are lost and counted.
const QUEUE: usize = 64;

/// How long a command that is done waits for what is not posted yet.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long the same alert is not posted again, where nobody says.
const COOLDOWN: &str = "4h";

/// Posts alerts, whatever they are about.
pub(in crate::commands) struct Poster {
    messages: SyncSender<Message>,
    /// Says something, or that nobody says it any more, when all is posted.
    done: Receiver<()>,
    ui: Arc<Ui>,
    /// What is told: alerts at least as bad.
    least: Severity,
}

/// Who is told of alerts of one model.
pub(in crate::commands) struct Webhook {
    messages: SyncSender<Message>,
    ui: Arc<Ui>,
    least: Severity,
    model: String,
    input: String,
}

/// Alerts that were noticed at once.
struct Message {
    model: String,
    input: String,
    alerts: Vec<Alert>,
}

impl Poster {
    /// Where the command line or the settings want alerts; none if they do not.
    pub(in crate::commands) fn of(
        session: &Session,
        arguments: &Monitor,
    ) -> Result<Option<Self>, Error> {
        let Some((hook, cooldown)) = hook(session, arguments)? else {
            return Ok(None);
        };
        let desk = Desk {
            webhook: hpipe_store::hash_bytes(hook.address().as_bytes()).to_string(),
            hook,
            cooldown,
            root: models::root(session)?,
            ui: session.ui.clone(),
            quiet: 0,
        };
        let (messages, waiting) = sync_channel(QUEUE);
        let (end, done) = channel();
        std::thread::spawn(move || {
            desk.post_all(waiting);
            drop(end);
        });
        Ok(Some(Self {
            messages,
            done,
            ui: session.ui.clone(),
            least: arguments.fail_on.least().unwrap_or(Severity::Critical),
        }))
    }

    /// For alerts of this model, by what came in.
    pub(in crate::commands) fn about(&self, model: &str, input: &str) -> Webhook {
        Webhook {
            messages: self.messages.clone(),
            ui: self.ui.clone(),
            least: self.least,
            model: model.to_owned(),
            input: input.to_owned(),
        }
    }

    /// Waits for what is not posted yet, but not for ever. Nobody may have a [`Webhook`] of it any more.
    pub(in crate::commands) fn finish(self) {
        drop(self.messages);
        if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = self.done.recv_timeout(PATIENCE) {
            self.ui
                .warning("the webhook does not answer: some alerts were not posted");
        }
    }
}

impl Webhook {
    /// Posts those of these alerts that are bad enough, as one message; at once, whatever the network does.
    pub(super) fn tell<'b>(&self, alerts: impl Iterator<Item = &'b Alert>) {
        let alerts: Vec<_> = alerts
            .filter(|alert| alert.severity >= self.least)
            .cloned()
            .collect();
        if alerts.is_empty() {
            return;
        }
        let message = Message {
            model: self.model.clone(),
            input: self.input.clone(),
            alerts,
        };
        if let Err(TrySendError::Full(_)) = self.messages.try_send(message) {
            let text = "an alert was not posted: too many wait for the webhook to answer";
            self.ui.warning(text);
        }
    }
}

/// How long the same alert is not posted again.
pub(super) struct Cooldown {
    text: String,
    millis: i64,
}

/// The thread's side.
struct Desk {
    hook: Hook,
    /// The digest of its address.
    webhook: String,
    cooldown: Cooldown,
    root: PathBuf,
    ui: Arc<Ui>,
    /// Alerts that were posted a short while before.
    quiet: usize,
}

impl Desk {
    fn post_all(mut self, waiting: Receiver<Message>) {
        let ledger = match open_ledger(&self.root) {
            Ok(ledger) => Some(ledger),
            Err(error) => {
                self.forgets(&error);
                None
            }
        };
        for message in waiting {
            self.post(ledger.as_ref(), message);
        }
        if self.quiet > 0 {
            let text = format!(
                "{} not posted again: the webhook was told less than {} ago",
                match self.quiet {
                    1 => "1 alert was".to_owned(),
                    many => format!("{} were", count(many, "alert")),
                },
                self.cooldown.text
            );
            self.ui.note(&text);
        }
    }

    fn post(&mut self, ledger: Option<&Ledger>, message: Message) {
        let now = hpipe_store::now_millis();
        let (new, known): (Vec<_>, Vec<_>) = message.alerts.iter().partition(|alert| {
            ledger.is_none_or(|ledger| self.is_news(ledger, &message.model, alert, now))
        });
        self.quiet += known.len();
        if new.is_empty() {
            return;
        }
        let text = json::alerts(&message.model, &message.input, now, &new);
        if let Err(error) = self.hook.post(&text) {
            let why = with_causes(&error);
            self.ui
                .warning(&format!("no alert was posted: failed to {why}"));
            return;
        }
        let told: Vec<_> = new
            .iter()
            .map(|alert| (self.key(&message.model, alert), alert.severity.name()))
            .collect();
        let noted = ledger.map(|ledger| {
            ledger.write(move |change| {
                told.iter()
                    .try_for_each(|(key, severity)| change.note_posted(key, severity))
            })
        });
        if let Some(Err(error)) = noted {
            self.forgets(&error.into());
        }
    }

    /// Whether nobody was told, or only of something milder, or long ago; also if that cannot be found out.
    fn is_news(&self, ledger: &Ledger, model: &str, alert: &Alert, now: i64) -> bool {
        let key = self.key(model, alert);
        let Ok(Some((severity, at))) = ledger.read(|records| records.posted(&key)) else {
            return true;
        };
        let is_worse =
            alert.severity == Severity::Critical && severity != Severity::Critical.name();
        is_worse || !(0..self.cooldown.millis).contains(&(now - at))
    }

    fn key(&self, model: &str, alert: &Alert) -> PostedAlert {
        PostedAlert {
            webhook: self.webhook.clone(),
            model: model.to_owned(),
            kind: alert.kind.name().to_owned(),
            subject: alert.subject.clone(),
        }
    }

    fn forgets(&self, error: &Error) {
        let why = with_causes(error);
        self.ui.warning(&format!(
            "what was posted is not noted, and may be posted again: failed to {why}"
        ));
    }
}

/// The address, and for how long the same alert is not posted to it again; refuses what is none.
pub(super) fn hook(
    session: &Session,
    arguments: &Monitor,
) -> Result<Option<(Hook, Cooldown)>, Error> {
    let settings = session.settings()?;
    let set = settings.text("monitor.webhook_cooldown");
    let text = arguments.webhook_cooldown.as_deref().or(set);
    let text = text.unwrap_or(COOLDOWN);
    let seconds = match text {
        "0" => 0.0,
        text => seconds(text)?,
    };
    let set = settings.text("monitor.webhook");
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
    let cooldown = Cooldown {
        text: text.to_owned(),
        millis: (seconds * 1e3) as i64,
    };
    Ok(Some((hook?, cooldown)))
}
