// What the events of language models' answers mean. Each reads an event, parsed, and says it to `to`: `text(text)`,
// `part()` where another paragraph begins, `tool(key, { id, name, json })`, `fail(message)` and `done()`.

/** Text as OpenAI's clients have it: a string, or parts some of which are text. */
function textOf(content) {
    if (Array.isArray(content)) return content.map((part) => textOf(part?.text)).join('');
    return typeof content === 'string' ? content : '';
}

function openai({ choices, error }, to) {
    const choice = choices?.[0];
    const { content, refusal, tool_calls: calls } = choice?.delta ?? choice?.message ?? {};
    to.text(textOf(content) + textOf(refusal) + textOf(choice?.text));
    for (const { index = 0, id, function: called } of calls ?? []) to.tool(index, { id, name: called?.name, json: called?.arguments });
    to.fail(error);
}

function responses({ type, delta, item, output_index: index, response, error, message }, to) {
    switch (type) {
        case 'response.output_item.added':
            if (item?.type === 'message') to.part();
            else if (item?.name) to.tool(index, { id: item.call_id, name: item.name, json: item.arguments });
            return;
        case 'response.output_text.delta': case 'response.refusal.delta': return to.text(textOf(delta));
        case 'response.function_call_arguments.delta': return to.tool(index, { json: delta });
        case 'response.failed': return to.fail(response?.error ?? type);
        case 'error': return to.fail(error ?? message);
        case 'response.completed': return to.done();
    }
}

function anthropic({ type, index, content_block: block, delta, error }, to) {
    switch (type) {
        case 'content_block_start':
            if (block?.type === 'text') to.part();
            else if (block?.name) to.tool(index, block);
            return;
        case 'content_block_delta':
            if (delta?.type === 'text_delta') to.text(textOf(delta.text));
            if (delta?.type === 'input_json_delta') to.tool(index, { json: delta.partial_json });
            return;
        case 'error': return to.fail(error);
        case 'message_stop': return to.done();
    }
}

function gemini({ candidates, error }, to) {
    for (const { text, thought, functionCall } of candidates?.[0]?.content?.parts ?? []) {
        if (!thought) to.text(textOf(text));
        if (functionCall) to.tool(null, { ...functionCall, json: JSON.stringify(functionCall.args ?? {}) });
    }
    to.fail(error);
}

function ollama({ message, response, error, done }, to) {
    to.text(textOf(message?.content ?? response));
    for (const { function: called } of message?.tool_calls ?? []) {
        to.tool(null, { name: called?.name, json: JSON.stringify(called?.arguments ?? {}) });
    }
    to.fail(error);
    if (done) to.done();
}

export const providers = { text: null, openai, responses, anthropic, gemini, ollama };

/** The types of events that have something to say; those of the other providers are all `message`. */
export const eventTypes = {
    responses: ['response.output_item.added', 'response.output_text.delta', 'response.refusal.delta',
        'response.function_call_arguments.delta', 'response.failed', 'response.completed'],
    anthropic: ['content_block_start', 'content_block_delta', 'message_stop'],
};
