// policy.js -> {{name}}.wasm. `sluice plugin build` runs this, and `npm run build` does too.
import { rename, writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const { component } = await componentize({
  sourcePath: 'policy.js',
  witPath: 'wit',
  worldName: '{{world}}',
  // A policy has no console, clock, chance or network: what it may know is in the question.
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
// In one rename: a gateway may be looking.
await writeFile('{{name}}.part', component);
await rename('{{name}}.part', '{{name}}.wasm');
