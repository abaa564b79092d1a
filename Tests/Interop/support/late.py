"""A page of the demo that is late, as on a machine that is busy for as long as an answer takes."""

# What begins an answer is told so only when its stream is over.
_LATE = """
const real = window.fetch;
window.fetch = async (url, options) => {
  const response = await real(url, options);
  if (options?.method === 'POST' && response.ok) {
    const { stream } = await response.clone().json();
    while (!(await real(stream, { method: 'HEAD' })).headers.get('stream-closed'));
  }
  return response;
};
"""


def come_late(page):
    """Until the page is left, it reads no stream before that is over."""
    page.run(_LATE)
