//! The trend: findings that were open after each night, by severity.

use super::{
    data::{KINDS, Night, Overview},
    digits, kinds,
};
use crate::escape::html;
use std::io::{self, Write};

/// Of the drawing, in its own units; the page stretches it.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 160.0;

pub(super) fn write(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let open = overview.open();
    writeln!(
        out,
        r#"<figure class="chart trend" aria-label="findings by night and severity">"#
    )?;
    if overview.nights.len() > 1 {
        drawing(&overview.nights, out)?;
    }
    writeln!(out, r#"<ul class="legend">"#)?;
    for (kind, n) in KINDS.iter().zip(open) {
        if n == 0 && *kind == "unrated" {
            continue;
        }
        let said = if *kind == "warning" { "warnings and notes" } else { kind };
        let zero = if n == 0 { " zero" } else { "" };
        writeln!(
            out,
            r#"<li class="{kind}{zero}"><b>{}</b><span>{said}</span></li>"#,
            digits(n)
        )?;
    }
    if let Some(night) = overview.nights.last() {
        for (class, n, said) in [("critical", night.new, "new"), ("clear", night.fixed, "fixed")] {
            let zero = if n == 0 { " zero" } else { "" };
            writeln!(
                out,
                r#"<li class="apart {class}{zero}"><b>{}</b><span>{said} on {}</span></li>"#,
                digits(n),
                html(&night.date)
            )?;
        }
    }
    writeln!(out, "</ul>\n</figure>")
}

/// One stacked bar a night; warnings are left out, of which there are so many that nothing else would be seen.
#[allow(clippy::cast_precision_loss)] // pixels
fn drawing(nights: &[Night], out: &mut dyn Write) -> io::Result<()> {
    let errors = |night: &Night| night.open[..5].iter().sum::<u64>();
    let most = nights.iter().map(errors).max().unwrap_or(0).max(1);
    let step = WIDTH / nights.len() as f64;
    writeln!(
        out,
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{} nights, at most {} findings">"#,
        nights.len(),
        digits(most)
    )?;
    for (i, night) in nights.iter().enumerate() {
        let x = step * i as f64;
        writeln!(
            out,
            "<g><title>{}: {}; {} new, {} fixed</title>",
            html(&night.date),
            if errors(night) == 0 {
                "none".to_owned()
            } else {
                kinds(night.open)
            },
            digits(night.new),
            digits(night.fixed)
        )?;
        // All of the night's column can be pointed at, however low its bar is.
        writeln!(
            out,
            r#"<rect class="whole" x="{x:.2}" y="0" width="{step:.2}" height="{HEIGHT}"/>"#
        )?;
        let mut y = HEIGHT;
        // The worst lies at the bottom, where heights can be compared.
        for (kind, n) in KINDS.iter().zip(night.open).take(5).filter(|(_, n)| *n > 0) {
            let height = HEIGHT * n as f64 / most as f64;
            y -= height;
            writeln!(
                out,
                r#"<rect class="{kind}" x="{:.2}" y="{y:.2}" width="{:.2}" height="{height:.2}"/>"#,
                x + step * 0.06,
                step * 0.88
            )?;
        }
        writeln!(out, "</g>")?;
    }
    writeln!(out, "</svg>")?;
    let (Some(first), Some(last)) = (nights.first(), nights.last()) else {
        return Ok(());
    };
    writeln!(
        out,
        "<figcaption><span>{}</span><span>at most {}</span><span>{}</span></figcaption>",
        html(&first.date),
        digits(most),
        html(&last.date)
    )
}
