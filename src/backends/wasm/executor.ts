/**
 * The executor: walks a program inside wasm, so that a whole forward pass costs one wake-up instead of one per kernel.
 *
 * Thread 0 walks; the other threads are helpers. A *parallel* step is a fork and a join: thread 0 publishes the address
 * of the step, advances `generation`, does its own share and waits until every helper has arrived. A *serial* step is
 * a plain call that costs the helpers nothing. Helpers never read the program ahead, so a slow one cannot see words of
 * the next run. Waiting is a bounded spin followed by a futex: a wake-up by futex costs 5 to 10 us, one by spinning
 * 0.1 us, and an unbounded spin would take a core from whoever needs it. Two threads that have to share a core only
 * delay each other by spinning, so each time that it was in vain the next spin is half as long, and every sixteenth is
 * a full one to find out whether that is over.
 */
import {
  atomic,
  block,
  br,
  brIf,
  type Code,
  call,
  drop,
  type Func,
  f64,
  i32,
  i64,
  type Local,
  loop,
  type ModuleBuilder,
  ret,
  set,
  tee,
  when,
} from './assembler.ts';
import { HEADER } from './module.ts';

/** Flag of a step that all threads take part in. */
export const PARALLEL = 1;
/** Table index that closes a program. */
export const END = -1;
/** Words before the arguments of a step: table index, words of the step, flags. */
export const STEP_WORDS = 3;
/** Polls of a word before a thread goes to sleep, at most: about 40 us. */
const SPINS = 100_000;

/** What the exports of the module can do. */
export interface ExecutorExports {
  /** Runs the program at `program` as thread 0 of `threads`. */
  run(program: number, threads: number): void;
  /** Serves runs until `HEADER.stop` is set. Only with shared memory. */
  loop?(thread: number, threads: number): void;
  /** All kernels. Only where there can be banks, whose kernels are added. */
  readonly table?: WebAssembly.Table;
}

const at = (address: number): Code => i32.const(address);

/**
 * Adds `run` and, for shared memory, `loop` to the module. They call the imports `now() -> f64`, milliseconds, and
 * `done()`, which tells the owner that a run is over.
 */
export function executor(shared: boolean): {
  imports(builder: ModuleBuilder): void;
  functions(builder: ModuleBuilder, kernel: Func): void;
} {
  let now: Func;
  let done: Func;
  return {
    imports(builder) {
      now = builder.import('now', [], ['f64']);
      if (shared) done = builder.import('done', []);
    },
    functions(builder, kernel) {
      if (!shared) {
        builder.export(emitRun(builder, kernel, now));
        return;
      }
      const change = emitAwaitChange(builder);
      const run = builder.export(emitRun(builder, kernel, now, change));
      builder.export(emitLoop(builder, kernel, change, run, done));
    },
  };
}

/** `(address, seen, misses) -> ()`: returns once the word at `address` is not `seen`. `misses` as in the header. */
function emitAwaitChange(builder: ModuleBuilder): Func {
  const f = builder.func('awaitChange', ['i32', 'i32', 'i32']);
  const [address, seen, misses] = f.params as [Local, Local, Local];
  const left = f.local('i32');
  const changed = i32.ne(atomic.load(address), seen);
  return f.emit(
    set(left, i32.add(i32.shru(i32.const(SPINS), i32.and(i32.load(misses), i32.const(15))), i32.const(1))),
    loop(when(changed, [i32.store(misses, i32.const(0)), ret]), brIf(0, tee(left, i32.sub(left, i32.const(1))))),
    i32.store(misses, i32.add(i32.load(misses), i32.const(1))),
    loop(drop(atomic.wait(address, seen, i64.const(-1))), when(changed, ret), br(0)),
  );
}

const stopped = atomic.load(at(HEADER.stop));
const argumentsOf = (step: Code): Code => i32.add(step, i32.const(4 * STEP_WORDS));

function emitRun(builder: ModuleBuilder, kernel: Func, now: Func, change?: Func): Func {
  const f = builder.func('run', ['i32', 'i32']);
  const [step, threads] = f.params as [Local, Local];
  const [stamps, arrived] = f.i32s(2) as [Local, Local];
  const share = (total: Code): Code =>
    builder.callTable(kernel, i32.load(step), argumentsOf(step), i32.const(0), total);

  const forkAndJoin = (awaitChange: Func): Code => [
    atomic.store(at(HEADER.arrived), i32.const(0)),
    drop(atomic.add(at(HEADER.generation), i32.const(1))),
    drop(atomic.notify(at(HEADER.generation), i32.const(-1))),
    share(threads),
    block(
      loop(
        brIf(1, i32.eq(tee(arrived, atomic.load(at(HEADER.arrived))), i32.sub(threads, i32.const(1)))),
        brIf(1, stopped),
        call(awaitChange, at(HEADER.arrived), arrived, at(HEADER.misses)),
        br(0),
      ),
    ),
  ];
  const alone = share(i32.const(1));

  return f.emit(
    f64.store(at(HEADER.began), call(now)),
    set(stamps, i32.load(at(HEADER.stamps))),
    block(
      loop(
        i32.store(at(HEADER.step), step),
        brIf(1, i32.eq(i32.load(step), i32.const(END))),
        change ? brIf(1, stopped) : [],
        change ? when(i32.and(i32.load(step, 8), i32.const(PARALLEL)), forkAndJoin(change), alone) : alone,
        when(stamps, [f64.store(stamps, call(now)), set(stamps, i32.add(stamps, i32.const(8)))]),
        set(step, i32.add(step, i32.mul(i32.load(step, 4), i32.const(4)))),
        br(0),
      ),
    ),
    f64.store(at(HEADER.ended), call(now)),
  );
}

function emitLoop(builder: ModuleBuilder, kernel: Func, change: Func, run: Func, done: Func): Func {
  const f = builder.func('loop', ['i32', 'i32']);
  const [thread, threads] = f.params as [Local, Local];
  const [seen, step, misses] = f.i32s(3) as [Local, Local, Local];
  /** Waits for the word to move on from `seen`, then leaves the function if the pool stops. */
  const next = (word: number): Code => [
    call(change, at(word), seen, misses),
    set(seen, atomic.load(at(word))),
    when(stopped, ret),
  ];
  const lead = loop(next(HEADER.start), call(run, i32.load(at(HEADER.program)), threads), call(done), br(0));
  const help = loop(
    next(HEADER.generation),
    set(step, i32.load(at(HEADER.step))),
    builder.callTable(kernel, i32.load(step), argumentsOf(step), thread, threads),
    // The last helper to arrive is the one that thread 0 may be asleep for.
    when(
      i32.eq(atomic.add(at(HEADER.arrived), i32.const(1)), i32.sub(threads, i32.const(2))),
      drop(atomic.notify(at(HEADER.arrived), i32.const(1))),
    ),
    br(0),
  );
  return f.emit(set(misses, i32.add(at(HEADER.misses), i32.shl(thread, i32.const(6)))), when(thread, help, lead));
}
