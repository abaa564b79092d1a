// What changes a stream, each after a question.

import { byID, element, isEnabled, say, setEnabled } from './element.mjs';
import * as server from './server.mjs';
import { visibleName } from './words.mjs';

/**
 * Asks, and does it. Resolves with what is to be said of it, or null if it was not wanted. What the server has against it is said in the
 * dialog, which stays.
 */
function question({ title, text, yes, fields = [], act, done }) {
    const dialog = byID('question');
    const [accept, refuse, problem] = [byID('question-yes'), byID('question-no'), byID('question-problem')];
    say(byID('question-title'), title);
    say(byID('question-text'), text);
    say(accept, yes);
    say(problem, '');
    setEnabled(accept, true);
    byID('question-fields').replaceChildren(...fields);
    return new Promise((resolve) => {
        let said = null;
        const listening = new AbortController();
        const { signal } = listening;
        accept.addEventListener('click', async () => {
            if (!isEnabled(accept)) return;
            setEnabled(accept, false);
            say(problem, '');
            try {
                await act();
                said = done;
                dialog.close();
            } catch (error) {
                say(problem, error.message);
            }
            setEnabled(accept, true);
        }, { signal });
        refuse.addEventListener('click', () => dialog.close(), { signal });
        dialog.addEventListener('close', () => {
            listening.abort();
            resolve(said);
        }, { signal });
        dialog.showModal();
    });
}

export function stop(name) {
    return question({
        title: `Stop ${visibleName(name)}?`,
        text: 'It ends as cancelled, for everybody. Its producers are told at once. It stays readable, and cannot be opened again.',
        yes: 'Stop it',
        act: () => server.stop(name),
        done: `${visibleName(name)} is stopped.`,
    });
}

export function end(name) {
    const reason = element('select', { id: 'end-reason' }, element('option', { value: 'done' }, 'done'), element('option', { value: 'failed' }, 'failed'));
    return question({
        title: `End ${visibleName(name)}?`,
        text: 'Its producers can append no more. It stays readable, and cannot be opened again.',
        yes: 'End it',
        fields: [element('label', { for: 'end-reason' }, 'It ends as'), reason],
        act: () => server.end(name, reason.value),
        done: `${visibleName(name)} has ended.`,
    });
}

export function remove(name) {
    return question({
        title: `Delete ${visibleName(name)}?`,
        text: 'All its events are gone then, for everybody. Its readers are told.',
        yes: 'Delete it',
        act: () => server.remove(name),
        done: `${visibleName(name)} is deleted.`,
    });
}
