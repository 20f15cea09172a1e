import { js, type BackendFactory, type Kernels } from '@sympow/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { cases, describeBackend, features, type FeatureRow } from './index';

/** The js backend with kernels replaced by bad ones. */
const spoilt: BackendFactory = {
  name: 'spoilt',
  open: async () => {
    const backend = await js().open();
    const { kernels } = backend;
    const bad: Partial<Kernels> = {
      gelu: ({ x, y }) => kernels.add({ a: x, b: x, y }),
      fill: () => undefined,
      cast: () => {
        throw new Error('not there yet');
      },
      multiply: ({ a, b, y }) => {
        kernels.multiply({ a, b, y });
        kernels.fill({ value: 1, y: b });
      },
      sumRows: (args) => {
        backend.empty([3]);
        kernels.sumRows(args);
      },
    };
    return Object.assign(backend, { kernels: { ...kernels, ...bad } });
  },
};
const skips = [{ kernel: 'add', case: 'into a', reason: 'no aliases', since: '2025-01-31' }] as const;

describe('features', () => {
  let rows: FeatureRow[];
  beforeAll(async () => {
    rows = await features(spoilt, skips);
  }, 60_000);
  const row = (kernel: string) => rows.find((each) => each.kernel === kernel)!;

  it('has a row for every kernel', () => expect(rows.map(({ kernel }) => kernel)).toContain('squaredNorm'));

  it('passes what is right', () => {
    expect(row('matmul')).toMatchObject({ status: 'passed', skipped: 0, complaints: [] });
    expect(row('matmul').passed).toBe(row('matmul').cases);
  });

  it('fails wrong numbers and says how far off they are', () => {
    expect(row('gelu').status).toBe('failed');
    expect(row('gelu').complaints[0]).toMatch(/\[1\]: first call: y is off by .* allowed 3\.8e-6/);
  });

  it('fails what is not written', () => expect(row('fill').complaints[0]).toContain('y[0] is NaN, not -1.5'));

  it('tells a kernel that throws from one that is wrong', () => {
    expect(row('cast')).toMatchObject({ status: 'error', passed: 0 });
    expect(row('cast').complaints[0]).toContain('not there yet');
  });

  it('fails a kernel that changes its input or leaves a buffer behind', () => {
    expect(row('multiply').complaints.join()).toContain('changed its input b');
    expect(row('sumRows').complaints.join()).toContain('left 1 buffers behind');
  });

  it('counts what is skipped', () => {
    expect(row('add')).toMatchObject({ status: 'partial', skipped: 1, passed: row('add').cases - 1 });
  });
});

describe('describeBackend', () => {
  it('shows skips with reason and date', () => {
    const skipped: string[] = [];
    const run = Object.assign(() => undefined, { skip: (name: string) => skipped.push(name) });
    describeBackend(js(), { describe: (_, body) => body(), it: run, skips });
    expect(skipped).toEqual(['into a (skipped since 2025-01-31: no aliases)']);
  });

  it('runs one in so many cases of each kernel', () => {
    const names = (every?: number) => {
      const run: string[] = [];
      const it = Object.assign((name: string) => run.push(name), { skip: () => undefined });
      const describe = (name: string, body: () => void) => void (name === 'matmul' && body());
      describeBackend(js(), {
        describe: (name, body) => (name.startsWith('backend') ? body() : describe(name, body)),
        it,
        every,
      });
      return run;
    };
    const own = cases.filter(({ kernel }) => kernel === 'matmul').map(({ name }) => name);
    expect(names()).toEqual(expect.arrayContaining(own));
    expect(names(3).filter((name) => own.includes(name))).toEqual(own.filter((_, i) => i % 3 === 0));
  });
});
