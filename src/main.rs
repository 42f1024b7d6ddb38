//! The program: registers the built-in stages and hands over to the command line.

use std::process::ExitCode;

use hpipe_core::Registry;

fn main() -> ExitCode {
    #[cfg_attr(not(feature = "ml"), expect(unused_mut))]
    let mut registry = Registry::default();
    #[cfg(feature = "ml")]
    hpipe_stages::register(&mut registry);
    hpipe_cli::main(registry)
}
