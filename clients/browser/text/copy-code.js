// The button at each block of code.

const shown = 2_000;

/** Copies the code that a button belongs to; `announce` speaks to a screen reader. */
export async function copyCode(button, announce) {
    const parts = [...button.closest('.fenced').querySelectorAll('pre')];
    let done = 'Copied';
    try {
        await navigator.clipboard.writeText(parts.map((part) => part.textContent).join('\n'));
    } catch {
        // Without TLS there is no clipboard, except on this machine: the code is selected for who copies by hand.
        done = 'Selected';
        getSelection().setBaseAndExtent(parts[0], 0, parts.at(-1), parts.at(-1).childNodes.length);
    }
    button.textContent = done;
    announce?.(`Code ${done}.`);
    setTimeout(() => {
        button.textContent = 'Copy';
    }, shown);
}
