//! How the loop sleeps and is woken: messages of threads, and descriptors of what executes elsewhere.
//!
//! Nobody polls by the clock: a message rings a bell, a byte in a pipe, and the loop sleeps until the bell or one of the
//! descriptors it watches becomes readable, or until an instant it named itself.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Where threads leave messages.
pub(super) struct Post<M> {
    sender: Sender<M>,
    bell: Arc<Bell>,
}

struct Bell {
    rope: PipeWriter,
    /// It was rung, and nobody has come to look since.
    is_ringing: AtomicBool,
}

/// Where messages arrive.
pub(super) struct Mailbox<M> {
    receiver: Receiver<M>,
    bell: Arc<Bell>,
    heard: PipeReader,
}

/// A mailbox, and the way to it.
pub(super) fn open<M>() -> io::Result<(Post<M>, Mailbox<M>)> {
    let (heard, rope) = io::pipe()?;
    let (sender, receiver) = channel();
    let bell = Arc::new(Bell {
        rope,
        is_ringing: AtomicBool::new(false),
    });
    let post = Post {
        sender,
        bell: bell.clone(),
    };
    Ok((
        post,
        Mailbox {
            receiver,
            bell,
            heard,
        },
    ))
}

impl<M> Clone for Post<M> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            bell: self.bell.clone(),
        }
    }
}

impl<M> Post<M> {
    /// Leaves a message; lost when the loop is over, for then nobody needs to know.
    pub(super) fn send(&self, message: M) {
        if self.sender.send(message).is_ok() && !self.bell.is_ringing.swap(true, Ordering::SeqCst) {
            let _ = (&self.bell.rope).write(&[0]);
        }
    }
}

impl<M> Mailbox<M> {
    /// Sleeps until there is a message, one of `watched` becomes readable, or it is `until`. Says what there is.
    pub(super) fn wait(&self, watched: &[BorrowedFd<'_>], until: Option<Instant>) -> Vec<M> {
        let bell = self.heard.as_fd();
        let mut watched: Vec<_> = std::iter::once(&bell)
            .chain(watched)
            .map(|one| PollFd::new(one, PollFlags::IN))
            .collect();
        let patience = until.map(|until| until.saturating_duration_since(Instant::now()));
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        // Interrupted or refused, it looks what there is, and is asked again.
        let _ = poll(&mut watched, patience.as_ref());
        if !watched[0].revents().is_empty() {
            let _ = (&self.heard).read(&mut [0; 1]);
        }
        // Before looking: whoever leaves a message from now on rings again.
        self.bell.is_ringing.store(false, Ordering::SeqCst);
        self.receiver.try_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_is_slept_through() {
        let (post, mailbox) = open().expect("there are descriptors");
        let senders: Vec<_> = (0..4)
            .map(|thread| {
                let post = post.clone();
                std::thread::spawn(move || (0..500).for_each(|n| post.send((thread, n))))
            })
            .collect();
        let mut got = Vec::new();
        while got.len() < 2000 {
            got.extend(mailbox.wait(&[], None));
        }
        senders
            .into_iter()
            .for_each(|sender| sender.join().expect("it only sends"));
        got.sort_unstable();
        let sent = (0..4).flat_map(|thread| (0..500).map(move |n| (thread, n)));
        assert_eq!(got, sent.collect::<Vec<_>>());
    }

    #[test]
    fn it_wakes_for_what_it_watches_and_for_the_time() {
        let (_post, mailbox) = open::<()>().expect("there are descriptors");
        let (reader, writer) = io::pipe().expect("there are descriptors");
        drop(writer);
        assert!(mailbox.wait(&[reader.as_fd()], None).is_empty());
        assert!(mailbox.wait(&[], Some(Instant::now())).is_empty());
    }
}
