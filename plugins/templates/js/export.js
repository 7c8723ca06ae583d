// Serves the measurements as plain lines, `name{label=value} value`, at a path of the admin
// listener.
import { policyOf } from './sluice.js';

export const policy = policyOf(
  'export',
  (settings) => ({
    path: settings.text('path', '/{{name}}.txt'),
    prefix: settings.text('prefix', ''),
  }),
  ({ path, prefix }, batch) => {
    const line = ({ name, labels, value }) => {
      const pairs = labels.map(([label, text]) => `${label}=${text}`).join(',');
      return `${name}${pairs && `{${pairs}}`} ${value}\n`;
    };
    const wanted = batch.samples.filter(({ name }) => name.startsWith(prefix));
    const body = wanted.map(line).join('');
    return [{ tag: 'serve', val: { path, contentType: 'text/plain; charset=utf-8', body } }];
  },
);
