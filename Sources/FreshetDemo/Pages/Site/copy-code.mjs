// The button at each block of code.

const shown = 2_000;

/** Copies the code that a button belongs to; `announce` speaks to a screen reader. */
export async function copyCode(button, announce) {
    const parts = [...button.closest('.fenced').querySelectorAll('pre')];
    const text = parts.map((part) => part.textContent).join('\n');
    const isCopied = await copy(text, parts);
    button.textContent = isCopied ? 'Copied' : 'Selected';
    announce(isCopied ? 'Code copied.' : 'The code is selected: copy it with the keyboard.');
    setTimeout(() => {
        button.textContent = 'Copy';
    }, shown);
}

async function copy(text, parts) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // Without TLS there is no clipboard, except on this machine: the code is selected for who copies by hand.
        const selection = getSelection();
        selection.setBaseAndExtent(parts[0], 0, parts.at(-1), parts.at(-1).childNodes.length);
        return false;
    }
}
