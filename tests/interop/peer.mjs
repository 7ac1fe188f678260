// Pure Graph's side: its own RedisStreamQueue, told what to do by lines on standard input. Every answer
// and everything that is followed is one line on standard output.
//
//     push STREAM EVENT JSON     pushed STREAM
//     fail STREAM MESSAGE        pushed STREAM          its StreamErrorEventMessage, as its runs end with
//     cancel STREAM              cancelled STREAM
//     follow STREAM              following STREAM; event STREAM NAME JSON [ID] ...; over STREAM
//     all STREAM                 all STREAM [[NAME, DATA], ...]
//     copy STREAM TARGET         copied STREAM
//     clear STREAM               cleared STREAM
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// The package has no entry of its own for the queue; it loads this file when REDIS_URL is set.
const folder = join(process.env.INTEROP_MODULES, '@langgraph-js', 'pure-graph', 'dist');
const files = readdirSync(folder).filter((name) => /^queue-.*\.js$/.test(name));
if (files.length !== 1) throw new Error(`${files.length} files in ${folder} look like the queue`);
const { RedisStreamQueue } = await import(pathToFileURL(join(folder, files[0])));

// What its event_message.ts makes: the members in this order, the last of them undefined.
class EventMessage {
  event;
  data;
  id;
  constructor(event, data) {
    this.event = event;
    this.data = data;
  }
}

const say = (...words) => process.stdout.write(words.join(' ') + '\n');
const queues = new Map();

function queueOf(stream) {
  if (!queues.has(stream)) queues.set(stream, new RedisStreamQueue(stream));
  return queues.get(stream);
}

async function follow(stream) {
  const queue = new RedisStreamQueue(stream);
  say('following', stream);
  for await (const item of queue.onDataReceive()) {
    const id = item.id === undefined ? [] : [item.id];
    say('event', stream, item.event, JSON.stringify(item.data), ...id);
  }
  say('over', stream);
}

const verbs = {
  async push(stream, event, ...json) {
    await queueOf(stream).push(new EventMessage(event, JSON.parse(json.join(' '))));
    say('pushed', stream);
  },
  async fail(stream, ...words) {
    const data = { error: 'Error', message: words.join(' ') };
    await queueOf(stream).push(new EventMessage('__stream_error__', data));
    say('pushed', stream);
  },
  async cancel(stream) {
    await queueOf(stream).cancel();
    say('cancelled', stream);
  },
  async follow(stream) {
    follow(stream).catch((error) => say('error', String(error)));
  },
  async all(stream) {
    const items = await queueOf(stream).getAll();
    say('all', stream, JSON.stringify(items.map((item) => [item.event, item.data])));
  },
  async copy(stream, target) {
    await queueOf(stream).copyToQueue(target);
    say('copied', stream);
  },
  async clear(stream) {
    await queueOf(stream).clear();
    say('cleared', stream);
  },
};

say('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...words] = line.split(' ');
  try {
    await verbs[verb](...words);
  } catch (error) {
    say('error', line, String(error));
  }
}
process.exit(0);
