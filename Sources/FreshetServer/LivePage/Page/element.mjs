// Elements. What a server or a stranger says becomes text, never markup.

/** An element with attributes, listeners (`on`) and children; a string is a text. */
export function element(name, { on = {}, ...attributes } = {}, ...children) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) {
        if (value === true) made.setAttribute(attribute, '');
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(attribute, value);
    }
    for (const [type, listener] of Object.entries(on)) made.addEventListener(type, listener);
    made.append(...children);
    return made;
}

/** Writes a text where it is another: a reader of the screen is told of each change. */
export function say(target, text) {
    if (target.textContent !== text) target.textContent = text;
}

export const byID = (id) => document.getElementById(id);

/** A button that stays where the focus is while there is nothing to do for it. */
export function setEnabled(button, isEnabled) {
    button.setAttribute('aria-disabled', String(!isEnabled));
}

export const isEnabled = (button) => button.getAttribute('aria-disabled') !== 'true';

/** A list of facts that is written again and again. */
export class Facts {
    root = element('dl', { class: 'facts' });
    #values = new Map();

    /** Names and texts; one without a text is left out. */
    show(facts) {
        for (const [name, text] of Object.entries(facts)) {
            let value = this.#values.get(name);
            if (!value) {
                value = element('dd', {}, element('bdi'));
                this.#values.set(name, value);
                this.root.append(element('div', {}, element('dt', {}, name), value));
            }
            say(value.firstChild, text ?? '');
            value.parentNode.hidden = text === null || text === undefined || text === '';
        }
    }
}
