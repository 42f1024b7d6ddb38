//! Colours, fonts and signs of the picture.
//!
//! Plain classes with a second set for dark themes, rather than CSS variables, which some renderers do not know
//! (librsvg). The picture brings its own background, for a page's theme need not be that of the reader's system.

use crate::state::State;

/// The style sheet.
pub(super) const STYLE: &str = "
text{font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Ubuntu,'DejaVu Sans',sans-serif}
.card{fill:#ffffff;stroke:#d1d9e0}
.name{font-size:14px;font-weight:600;fill:#1f2328}
.word{font-size:11.5px;fill:#59636e}
.group{font-size:11.5px;font-weight:600;fill:#59636e;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.frame{fill:#f6f8fa;stroke:#d1d9e0;stroke-dasharray:5 4}
.edge{fill:none;stroke:#a5afba;stroke-width:1.6}
.head{fill:#8c959f}
.box{stroke-width:1.5}
.sign{stroke-width:2;stroke-linecap:round;stroke-linejoin:round;fill:none}
.up_to_date .box{fill:#edfbf0;stroke:#4ac26b}.up_to_date .sign{stroke:#1a7f37}
.stale .box{fill:#fff8e5;stroke:#d4a72c}.stale .sign{stroke:#9a6700}.stale .core{fill:#9a6700}
.may_be_stale .box{fill:#faf5ff;stroke:#c297ff;stroke-dasharray:4 3}.may_be_stale .sign{stroke:#8250df}
.frozen .box{fill:#eef7ff;stroke:#6cb6ff}.frozen .sign{stroke:#0969da}
.unknown .box{fill:#f6f8fa;stroke:#afb8c1}
@media (prefers-color-scheme:dark){
.card{fill:#0d1117;stroke:#3d444d}
.name{fill:#f0f6fc}
.word{fill:#9198a1}
.group{fill:#9198a1;stroke:#0d1117}
.frame{fill:#12171e;stroke:#3d444d}
.edge{stroke:#59636e}
.head{fill:#818b98}
.up_to_date .box{fill:#10231a;stroke:#2ea043}.up_to_date .sign{stroke:#3fb950}
.stale .box{fill:#272115;stroke:#9e6a03}.stale .sign{stroke:#d29922}.stale .core{fill:#d29922}
.may_be_stale .box{fill:#1c1830;stroke:#8957e5}.may_be_stale .sign{stroke:#a371f7}
.frozen .box{fill:#0f2135;stroke:#1f6feb}.frozen .sign{stroke:#58a6ff}
.unknown .box{fill:#151b23;stroke:#656c76}
}
";

/// The sign of a state, around the origin.
pub(super) const fn sign(state: State) -> &'static str {
    match state {
        State::UpToDate => r#"<path class="sign" d="M-6 .5L-2 4.5L6.5 -4.5"/>"#,
        State::Stale => r#"<circle class="sign" r="6.5"/><circle class="core" r="3"/>"#,
        State::MayBeStale => r#"<circle class="sign" r="6.5" stroke-dasharray="2.6 4.207"/>"#,
        State::Frozen => r#"<path class="sign" d="M0 -7V7M-6.1 -3.5L6.1 3.5M-6.1 3.5L6.1 -3.5"/>"#,
        State::Unknown => "",
    }
}
