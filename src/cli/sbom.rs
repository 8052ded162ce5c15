//! `plimsoll sbom`.

use super::{fingerprints, inputs::Inputs, output, output::Outputs, usage};
use clap::Args;
use plimsoll::advisory::store;
use std::process::ExitCode;

pub(super) const HELP: &str = "\
Examples:
  plimsoll sbom orders.zip                       CycloneDX on standard output
  plimsoll sbom -o spdx=orders.spdx.json orders.zip
  plimsoll sbom --each -o cyclonedx=sboms/ dist/   a file for each archive below a folder
  plimsoll scan orders.zip.cdx.json              audits it later, without the artifact

Exit codes:
  0  looked at everything
  2  usage or input/output error
  3  something could not be seen into at all; the SBOM says what";

#[derive(Args)]
pub(super) struct Sbom {
    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    outputs: Outputs,
}

/// `plimsoll sbom`.
pub(super) fn run(args: &mut Sbom) -> ExitCode {
    args.outputs.or("cyclonedx");
    match list(args) {
        Ok(code) => code,
        Err(message) => usage(&message),
    }
}

fn list(args: &Sbom) -> Result<ExitCode, String> {
    args.outputs.check(1)?;
    args.inputs.start()?;
    let mut options = args.inputs.options([], false)?;
    if options.fingerprints.is_none() {
        options.fingerprints = fingerprints::imported(store::default_folder().as_deref())?;
    }
    let (inputs, failures) = args.inputs.list(&options.limits);
    args.outputs.check(inputs.len())?;
    let mut report = args.inputs.look(&inputs, &options).list(&options, output::now());
    report.fail(failures);
    Ok(args.outputs.write(report))
}
