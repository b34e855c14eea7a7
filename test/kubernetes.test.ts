// The manifests in deploy/kubernetes: what Kubernetes' schemas say of them, and whether they fit the program and each other.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as secret } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Secret';
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service';
import { validate as podDisruptionBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget';
import { Deployment } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Secret, Service } from 'kubernetes-models/v1';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readAccounts } from '../src/config/accounts.ts';
import { readConfig } from '../src/config/config.ts';

const kinds = { Deployment, PodDisruptionBudget, Secret, Service };
const schemas = {
  Deployment: deployment,
  PodDisruptionBudget: podDisruptionBudget,
  Secret: secret,
  Service: service,
};
type Kind = keyof typeof kinds;
type Manifest = Record<string, unknown> & { kind: Kind; apiVersion: string };

/** As Kubernetes reads YAML: 0440 is octal. */
const parse = (text: string) =>
  parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as Manifest);
const source = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const manifests = ['worker', 'secret.example'].flatMap((file) => parse(source(`deploy/kubernetes/${file}.yaml`)));

function find<Wanted extends Kind>(kind: Wanted): InstanceType<(typeof kinds)[Wanted]> {
  const manifest = manifests.find((each) => each.kind === kind);
  if (manifest === undefined) throw new Error(`there is no ${kind}`);
  return new kinds[kind](manifest as never) as InstanceType<(typeof kinds)[Wanted]>;
}

/**
 * Validates a manifest. The schemas allow fields that they do not know, as Kubernetes does not by default: those are the ones that
 * the validator did not look at. @returns their paths. @throws if the manifest is wrong.
 */
function validate(manifest: Manifest): string[] {
  const unread = new Set<string>();
  const watched = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const children = Object.entries(value).map(([name, child]) => [name, watched(child, `${path}.${name}`)] as const);
    if (Array.isArray(value)) return children.map(([, child]) => child);
    const own = Object.fromEntries(children);
    for (const name of Object.keys(own)) unread.add(`${path}.${name}`);
    return new Proxy(own, {
      get(target, name) {
        if (typeof name === 'string') unread.delete(`${path}.${name}`);
        return Reflect.get(target, name);
      },
    });
  };
  const schema = schemas[manifest.kind];
  if (!schema(watched(manifest, ''))) throw new Error(JSON.stringify(Reflect.get(schema, 'errors')));
  return [...unread];
}

test.each(manifests.map((manifest) => [manifest.kind, manifest] as const))('%s is valid', (_, manifest) => {
  expect(validate(manifest)).toEqual([]);
});

test.each([
  [
    'a field with a wrong name',
    (text: string) => text.replace('enableServiceLinks', 'enableServiceLink'),
    ['.spec.template.spec.enableServiceLink'],
  ],
  [
    'a value of a wrong type',
    (text: string) => text.replace('replicas: 2', 'replicas: two'),
    /"\/spec\/replicas".*"integer"/,
  ],
  [
    'a field that is missing',
    (text: string) => text.replace(/name: worker/, 'title: worker'),
    /containers\/0".*"missingProperty":"name"/,
  ],
])('%s is found', (_, spoil, found) => {
  const [spoilt] = parse(spoil(source('deploy/kubernetes/worker.yaml')));
  const validated = () => validate(spoilt as Manifest);
  if (found instanceof RegExp) expect(validated).toThrow(found);
  else expect(validated()).toEqual(found);
});

describe('the pods', () => {
  const template = find('Deployment').spec?.template;
  const pod = template?.spec;
  const container = pod?.containers[0];
  const mount = container?.volumeMounts?.[0]?.mountPath ?? '';
  const secret = find('Secret');
  /** The files of the Secret, as they are mounted. */
  const readFile = (path: string) => {
    const content = secret.stringData?.[basename(path)];
    if (!path.startsWith(`${mount}/`) || content === undefined) throw new Error(`there is no ${path}`);
    return content;
  };
  const environment = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));

  test('are configured: the database, and each account with its key', () => {
    expect(pod?.volumes?.[0]?.secret?.secretName).toBe(secret.metadata?.name);
    expect(readConfig(environment, readFile, ['database']).database.kind).toBe('server');
    const { accounts, refused } = readAccounts(environment, readFile);
    expect(refused).toEqual([]);
    expect(accounts.map(({ schema }) => schema)).toEqual(['twilio_acme', 'twilio_bolt']);
  });

  test('run as the image’s user, without rights, and write nothing', () => {
    const [, uid, gid] = /^USER (\d+):(\d+)$/m.exec(source('Dockerfile')) ?? [];
    expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: Number(uid), runAsGroup: Number(gid) });
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod?.volumes?.[0]?.secret?.defaultMode).toBe(0o440);
  });

  test('are asked on the port of their HTTP server, and found by their labels', () => {
    const port = container?.ports?.find(({ name }) => name === 'http')?.containerPort;
    expect(port).toBe(readConfig(environment, readFile, ['http']).http.port);
    expect(container?.livenessProbe?.httpGet).toEqual({ path: '/livez', port: 'http' });
    expect(container?.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'http' });
    const labels = template?.metadata?.labels;
    expect(find('Deployment').spec?.selector.matchLabels).toEqual(labels);
    expect(find('Service').spec?.selector).toEqual(labels);
    expect(find('PodDisruptionBudget').spec?.selector?.matchLabels).toEqual(labels);
    expect(find('Service').spec?.ports?.[0]?.targetPort).toBe('http');
  });
});
