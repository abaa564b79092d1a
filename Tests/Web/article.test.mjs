import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { missing, verdicts } from '../../Sources/FreshetDemo/Pages/Site/article.mjs';
import { attempt, lines } from '../../Sources/FreshetDemo/Pages/Site/json-trap.mjs';
import { SharedReader } from '../../Sources/FreshetDemo/Pages/Site/shared-reader.mjs';

const count = (...numbers) => numbers.map((number) => ` ${number}`).join('');
const all = count(...Array.from({ length: 30 }, (_, index) => index + 1));

describe('what an answer amounts to', () => {
    const judged = (name, seen) => {
        const { over, good } = verdicts[name]({ chat: '', opened: 1, ...seen });
        return over ? (good ? 'good' : 'bad') : 'not yet';
    };

    test('is said when there is nothing more to wait for', () => {
        assert.equal(judged('hello', { chat: 'Hello' }), 'not yet');
        assert.equal(judged('hello', { chat: 'HelloWorld' }), 'good');
        assert.equal(judged('again', { chat: 'HelloWorld', opened: 2 }), 'not yet');
        assert.equal(judged('lost', { chat: count(1, 2, 3) }), 'not yet');
    });

    test('is judged by what the reader sees', () => {
        assert.equal(judged('markup', { chat: 'Look: ran as a script: 42' }), 'bad');
        assert.equal(judged('markup', { chat: `Look: <img onerror="'ran as a script: ' + 6 * 7">` }), 'good');
        assert.equal(judged('newline', { chat: 'Two things: And that is all.' }), 'bad');
        assert.equal(judged('newline', { chat: 'Two things:\n1. a brook\n2. a wall And that is all.' }), 'good');
        assert.equal(judged('space', { chat: 'HelloWorld,howareyou?' }), 'bad');
        assert.equal(judged('space', { chat: 'Hello World, how are you?' }), 'good');
        assert.equal(judged('again', { chat: 'HelloWorldHello', opened: 2 }), 'bad');
        assert.equal(judged('again', { chat: 'HelloWorld', ended: true }), 'not yet');
        assert.equal(judged('again', { chat: 'HelloWorld', ended: true, status: 204 }), 'good');
        assert.equal(judged('lost', { chat: count(1, 2, 3, 7, 30) }), 'bad');
        assert.equal(judged('lost', { chat: all, opened: 2 }), 'good');
    });

    test('numbers that never arrived are named', () => {
        assert.deepEqual(missing(count(1, 2, 5)), [3, 4]);
        assert.deepEqual(missing(all), []);
        assert.deepEqual(missing(''), []);
    });
});

describe('the JSON trap', () => {
    test('an object is an error until its last brace', () => {
        assert.equal(attempt('{"a":1').value, null);
        assert.equal(typeof attempt('{"a":1').error, 'string');
        assert.deepEqual(attempt('{"a":1}'), { value: { a: 1 }, error: null });
    });

    test('lines are found wherever they are cut', () => {
        const text = '{"a":1}\n\n{"b":2}\n{"c"';
        for (let size = 1; size <= text.length; size += 1) {
            const found = [];
            const take = lines((line) => found.push(line));
            for (let at = 0; at < text.length; at += size) take(text.slice(at, at + size));
            assert.deepEqual(found, ['{"a":1}', '{"b":2}']);
        }
    });
});

describe('a shared reader', () => {
    function shared() {
        const followed = [];
        const reader = new SharedReader((url, handlers) => {
            const follower = { url, handlers, isClosed: false, close: () => (follower.isClosed = true) };
            followed.push(follower);
            return follower;
        });
        const port = () => {
            const messages = [];
            return { messages, postMessage: (message) => messages.push(message) };
        };
        return { reader, followed, port };
    }

    test('reads a stream once for all tabs, and tells who comes late what was there', () => {
        const { reader, followed, port } = shared();
        const [first, second] = [port(), port()];
        reader.join('/s', first);
        followed[0].handlers.onEvent('a', '1');
        reader.join('/s', second);
        followed[0].handlers.onEvent('b', '2');
        followed[0].handlers.onEnd({ reason: 'done' });
        assert.equal(followed.length, 1);
        const expected = [{ event: 'a', id: '1' }, { event: 'b', id: '2' }, { end: { reason: 'done' } }];
        assert.deepEqual(first.messages, expected);
        assert.deepEqual(second.messages, expected);
    });

    test('lets go of a stream when the last tab has left', () => {
        const { reader, followed, port } = shared();
        const [first, second, stranger] = [port(), port(), port()];
        reader.join('/s', first);
        reader.join('/s', second);
        reader.leave('/s', first);
        reader.leave('/s', stranger);
        assert.equal(followed[0].isClosed, false);
        reader.leave('/s', second);
        assert.equal(followed[0].isClosed, true);
        reader.join('/s', first);
        assert.equal(followed.length, 2);
    });

    test('after a gap only what is kept is told, and a refusal is an end', () => {
        const { reader, followed, port } = shared();
        const [first, late] = [port(), port()];
        reader.join('/s', first);
        followed[0].handlers.onEvent('a', '1');
        followed[0].handlers.onGap({});
        followed[0].handlers.onEvent('c', '3');
        reader.join('/s', late);
        assert.deepEqual(late.messages, [{ gap: true }, { event: 'c', id: '3' }]);
        followed[0].handlers.onRefused(404);
        assert.deepEqual(late.messages.at(-1), { end: { reason: 'refused', status: 404 } });
    });
});
