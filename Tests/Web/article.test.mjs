import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { missing, verdicts } from '../../Sources/FreshetDemo/Pages/Site/article.mjs';
import { attempt, lines } from '../../Sources/FreshetDemo/Pages/Site/json-trap.mjs';

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
