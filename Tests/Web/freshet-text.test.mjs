import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PartialJSON, text } from '../../clients/browser/freshet-text.js';
import { FakeDocument } from './fakes.mjs';

/** An answer in a document that counts what is done to it; it is drawn when the test says so. */
function answer(provider, options = {}) {
    const document = new FakeDocument();
    const node = document.createElement('main');
    return { document, node, shown: text(node, provider, { frame: () => {}, ...options }) };
}

/** What an answer consists of, after these events. */
function shownOf(provider, events) {
    const { node, shown } = answer(provider);
    for (const event of events) shown.take({ type: event.type ?? 'message', data: JSON.stringify(event) });
    shown.finish();
    const tools = shown.tools.map(({ id, name, value, isComplete }) => [id, name, JSON.stringify(value), isComplete]);
    return { text: shown.text, tools, error: shown.error, node };
}

const choice = (delta) => ({ choices: [{ index: 0, delta }] });
const call = (index, more) => choice({ tool_calls: [{ index, ...more }] });

test('OpenAI chat: text, refusals and calls of tools', () => {
    const { text: said, tools, node } = shownOf('openai', [
        choice({ role: 'assistant', content: '' }), choice({ content: 'Hello ' }), choice({ content: '**World**' }),
        call(0, { id: 'a', function: { name: 'weather', arguments: '' } }), call(0, { function: { arguments: '{"city":' } }),
        call(1, { id: 'b', function: { name: 'time', arguments: '{}' } }), call(0, { function: { arguments: '"Bern"}' } }),
        { choices: [] }, { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
    ]);
    assert.equal(said, 'Hello **World**');
    assert.deepEqual(tools, [['a', 'weather', '{"city":"Bern"}', true], ['b', 'time', '{}', true]]);
    assert.equal(node.all('strong')[0].textContent, 'World');
    assert.deepEqual(node.all('pre').map(({ textContent }) => textContent), ['{\n  "city": "Bern"\n}', '{}']);
    assert.deepEqual(shownOf('openai', [choice({ refusal: 'No.' }), { error: { message: 'overloaded' } }]).error, 'overloaded');
    assert.equal(shownOf('openai', [choice({ content: [{ type: 'text', text: 'parts' }] })]).text, 'parts');
    assert.equal(shownOf('openai', [{ choices: [{ text: 'of old' }] }]).text, 'of old');
});

test('calls that all have the number 0 are told apart by their ids', () => {
    const { tools } = shownOf('openai', [
        call(0, { id: 'a', function: { name: 'x', arguments: '{}' } }), call(0, { id: 'b', function: { name: 'y', arguments: '{}' } }),
    ]);
    assert.deepEqual(tools.map(([id]) => id), ['a', 'b']);
});

test('OpenAI Responses', () => {
    const { text: said, tools } = shownOf('responses', [
        { type: 'response.created', response: {} }, { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning' } },
        { type: 'response.output_item.added', output_index: 1, item: { type: 'message' } },
        { type: 'response.output_text.delta', output_index: 1, delta: 'One' }, { type: 'response.output_text.delta', delta: ' two' },
        { type: 'response.output_item.added', output_index: 2, item: { type: 'function_call', call_id: 'c', name: 'f', arguments: '' } },
        { type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"a":[1,' },
        { type: 'response.function_call_arguments.delta', output_index: 2, delta: '2]}' },
        { type: 'response.output_item.added', output_index: 3, item: { type: 'message' } },
        { type: 'response.output_text.delta', output_index: 3, delta: 'Three' }, { type: 'response.completed', response: {} },
    ]);
    assert.equal(said, 'One two\n\nThree');
    assert.deepEqual(tools, [['c', 'f', '{"a":[1,2]}', true]]);
    assert.equal(shownOf('responses', [{ type: 'response.failed', response: { error: { message: 'no' } } }]).error, 'no');
    assert.equal(shownOf('responses', [{ type: 'error', message: 'limit' }]).error, 'limit');
});

test('Anthropic', () => {
    const { text: said, tools } = shownOf('anthropic', [
        { type: 'message_start', message: {} }, { type: 'content_block_start', index: 0, content_block: { type: 'thinking' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
        { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } }, { type: 'ping' },
        { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hi' } },
        { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } },
        { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } },
        { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"q": "a' } },
        { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: 'b"' } },
        { type: 'message_stop' },
    ]);
    assert.equal(said, 'Hi');
    assert.deepEqual(tools, [['t', 'f', '{"q":"ab"}', false]]);
    assert.equal(shownOf('anthropic', [{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }]).error, 'Overloaded');
});

test('Gemini and Ollama', () => {
    const part = (...parts) => ({ candidates: [{ content: { role: 'model', parts } }] });
    const gemini = shownOf('gemini', [part({ text: 'thinking', thought: true }, { text: 'A' }), part({ text: 'B' }),
        part({ functionCall: { name: 'f', args: { a: 1 } } }), part({ functionCall: { id: '7', name: 'f', args: { a: 2 } } }), {}]);
    assert.equal(gemini.text, 'AB');
    assert.deepEqual(gemini.tools, [[undefined, 'f', '{"a":1}', true], ['7', 'f', '{"a":2}', true]]);
    const ollama = shownOf('ollama', [{ message: { role: 'assistant', content: 'A' }, done: false },
        { message: { content: '', tool_calls: [{ function: { name: 'f', arguments: { a: [] } } }] } }, { message: { content: 'B' }, done: true }]);
    assert.equal(ollama.text, 'AB');
    assert.deepEqual(ollama.tools, [[undefined, 'f', '{"a":[]}', true]]);
    assert.equal(shownOf('ollama', [{ response: 'x' }, { error: 'out of memory' }]).error, 'out of memory');
});

test('a stream of text is its text, and what is none of the provider\'s is nothing', () => {
    const { shown } = answer('text');
    shown.take({ data: '{"not":' });
    shown.take({ type: 'error' });
    assert.equal(shown.text, '{"not":');
    for (const provider of ['openai', 'responses', 'anthropic', 'gemini', 'ollama']) {
        const { shown: nothing } = answer(provider);
        for (const data of ['', 'x', 'null', '7', '"a"', '[]', '{}', '{"choices":[null]}', '{"choices":{}}', '{"type":7}', undefined]) {
            nothing.take({ data });
        }
        assert.equal(nothing.text, '');
    }
    assert.throws(() => answer('nobody'), /unknown provider/);
});

test('a source is shown: a gap begins anew, and the end finishes', () => {
    const { node, shown } = answer('anthropic');
    const source = new EventTarget();
    shown.from(source);
    const tell = (type, data) => source.dispatchEvent(Object.assign(new Event(type), { data }));
    const delta = (said) => tell('content_block_delta', JSON.stringify({ type: 'content_block_delta', delta: { type: 'text_delta', text: said } }));
    delta('lost');
    tell('gap', '{}');
    delta('A *b');
    source.dispatchEvent(new Event('error'));
    shown.draw();
    assert.equal(node.all('em').length, 1);
    tell('end', '{"reason":"failed"}');
    assert.equal(node.textContent, 'A *b');
});

test('markup of the model and of its tools is text', () => {
    const evil = '<img src=x onerror=alert(1)>';
    const { node } = shownOf('openai', [choice({ content: evil }), call(0, { id: evil, function: { name: evil, arguments: JSON.stringify({ [evil]: evil }) } })]);
    assert.equal(node.all('img').length, 0);
    assert.ok(node.textContent.includes(evil));
});

test('a call of a tool can be read while it arrives', () => {
    const values = [];
    const { shown } = answer('openai', { onTool: ({ value }) => values.push(JSON.stringify(value)) });
    for (const json of ['{"ci', 'ty":"Be', 'rn","n":1', '2,"ok":tr', 'ue}']) {
        shown.take({ data: JSON.stringify(call(0, { function: { arguments: json } })) });
    }
    assert.deepEqual(values, ['{}', '{"city":"Be"}', '{"city":"Bern"}', '{"city":"Bern","n":12}', '{"city":"Bern","n":12,"ok":true}']);
});

test('what is wrong with the JSON of a tool is said, and its text is shown', () => {
    const { shown } = answer('openai');
    shown.take({ data: JSON.stringify(call(0, { function: { name: 'f', arguments: '{"a":1,}' } })) });
    shown.take({ data: JSON.stringify(call(0, { function: { arguments: ' more' } })) });
    const [tool] = shown.tools;
    assert.ok(tool.error instanceof SyntaxError);
    assert.deepEqual([tool.isComplete, JSON.stringify(tool.value), tool.text], [false, '{"a":1}', '{"a":1,} more']);
});

test('a token costs the same at the end of a long answer, and so does a piece of a tool\'s JSON', () => {
    for (const token of [choice({ content: 'a few words. ' }), call(0, { function: { arguments: '"some text", ' } })]) {
        const { document, shown } = answer('openai');
        if (token.choices[0].delta.tool_calls) shown.take({ data: JSON.stringify(call(0, { function: { name: 'f', arguments: '[' } })) });
        const data = JSON.stringify(token);
        const cost = (count) => {
            const before = [document.touched, document.appended];
            for (let index = 0; index < count; index += 1) {
                shown.take({ data });
                shown.draw();
            }
            return [(document.touched - before[0]) / count, (document.appended - before[1]) / count];
        };
        const first = cost(500);
        cost(20_000);
        const last = cost(500);
        assert.ok(last[0] <= first[0] * 1.2 + 1, `${first} ${last}`);
        assert.ok(last[1] <= first[1] * 1.2 + 20, `${first} ${last}`);
    }
});

// JSON

const documents = [
    '{"a":{"b":[1,-2.5e3,true,false,null,"x"],"":{}},"c":"\\u00e9\\ud83d\\ude00\\n\\"","d":[]}', '[[[]],{}]', '"😀 é"', '-0.5 ', 'true',
    ' { "a" : [ 1 , 2 ] , "b" : "c" } ', '{"__proto__":{"x":1}}', '0', '[0,1e5]',
];

/** Whether nothing of what was shown is taken back. */
function continues(later, earlier) {
    if (earlier === undefined) return true;
    if (typeof earlier === 'string') return typeof later === 'string' && later.startsWith(earlier);
    if (earlier === null || typeof earlier !== 'object') return Object.is(later, earlier);
    return Object.entries(earlier).every(([key, value]) => continues(later?.[key], value));
}

test('JSON is read however it is cut, and nothing shown is taken back', () => {
    for (const whole of documents) {
        const expected = JSON.parse(whole);
        for (let size = 1; size <= whole.length; size += 1) {
            const parser = new PartialJSON();
            let earlier;
            for (let at = 0; at < whole.length; at += size) {
                parser.parse(whole.slice(at, at + size));
                assert.ok(continues(parser.value, earlier), whole);
                earlier = parser.value === undefined ? undefined : structuredClone(parser.value);
                assert.ok(!/\p{Cs}/u.test(JSON.stringify(parser.value) ?? ''));
            }
            assert.equal(JSON.stringify(parser.finish()), JSON.stringify(expected));
        }
    }
    assert.equal({}.x, undefined);
});

test('what is shown of JSON is as docs/partial-json.md says', () => {
    const table = {
        '{"city":"Ber': '{"city":"Ber"}', '["caf\\u00': '["caf"]', '[1, 2': '[1]', '[true, fal': '[true]', '{"a": 1, "b"': '{"a":1}',
        '{"a": [': '{"a":[]}', '["\\ud83d': '[""]', '["\\ud83d\\ude00': '["😀"]', '12': undefined, '': undefined,
    };
    for (const [arrived, shown] of Object.entries(table)) {
        const parser = new PartialJSON();
        parser.parse(arrived);
        assert.equal(JSON.stringify(parser.value), shown, arrived);
        assert.equal(parser.isComplete, false);
    }
});

test('what is not JSON is an error', () => {
    const wrong = ['{a:1}', '[1,]', '{"a":1,}', '[01]', '[1.]', '[.5]', '[+1]', 'nul ', '[tru]', '"\\x"', '"\\u12g4"', '"\n"', '[1 2]', '{"a" 1}', '{"a":1 "b":2}',
        '{} {}', '1 2', ']', '}', '[}', '{]', '{"a"}', '{"a":}', '[,]', ':', ',', '{"a":1,"a":2}', '"\\ud83d"', '"\\ude00"', '"\\ud83dx"', "'a'", '[1e]', '/**/1', '[--1]',
        '[nulll]', '"\\U0041"', '['.repeat(300)];
    for (const text_ of wrong) {
        for (const size of [1, text_.length]) {
            const parser = new PartialJSON();
            assert.throws(() => {
                for (let at = 0; at < text_.length; at += size) parser.parse(text_.slice(at, at + size));
                parser.finish();
            }, SyntaxError, text_);
        }
    }
    for (const unfinished of ['', '[', '{"a":', '"a', '[1', 'tr', '-']) {
        const parser = new PartialJSON();
        parser.parse(unfinished);
        assert.throws(() => parser.finish(), SyntaxError, unfinished);
    }
});

test('JSON is laid out in lines however it is cut', () => {
    const whole = '{"a":[1,{"b":{}},[]],"c":"{,}\\"[","d":true}';
    const lines = JSON.stringify(JSON.parse(whole), null, 2);
    for (let size = 1; size <= whole.length; size += 1) {
        const parser = new PartialJSON();
        let laid = '';
        for (let at = 0; at < whole.length; at += size) laid += parser.parse(whole.slice(at, at + size));
        assert.equal(laid, lines, `pieces of ${size}`);
    }
});

test('reading JSON is linear', () => {
    const time = (count) => {
        const parser = new PartialJSON();
        const begun = performance.now();
        parser.parse('{"a":"');
        for (let index = 0; index < count; index += 1) parser.parse('four');
        return (performance.now() - begun) / count;
    };
    time(20_000);
    // A machine that is busy with something else slows one of them, and not each time the same.
    for (let left = 4; ; left -= 1) {
        const short = time(20_000);
        const long = time(400_000);
        if (long < short * 5 + 0.002) return;
        assert.ok(left > 0, `${short} ms, ${long} ms`);
    }
});
