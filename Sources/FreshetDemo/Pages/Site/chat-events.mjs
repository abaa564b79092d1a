// What the events of the chat's streams mean.

const answers = '/v1/stream/relay/';

/** Whether an event of a conversation is a turn of ours. */
export function isTurn(turn) {
    return typeof turn?.stream === 'string' && turn.stream.startsWith(answers) && typeof turn.question === 'string';
}

export function parse(text) {
    try {
        return JSON.parse(text) ?? {};
    } catch {
        return {};
    }
}
