"""axe: what it finds wrong with a page for people who see, point or read otherwise."""

import importlib.resources

_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { iframes: false, resultTypes: ['violations'] }).then(
  ({ violations }) => done(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`)}`)),
  (error) => done([String(error)]));
"""


def violations(browser):
    source = importlib.resources.files("axe_core_python").joinpath("axe.min.js").read_text()
    return browser.run_async(source + _RUN)
