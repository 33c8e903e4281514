import { type Node, nodesOf, sourcesOf } from './sources.js';

const parsed = new Map<string, ReturnType<typeof sourcesOf>>();

function programOf(name: string, file: string): Node {
  const sources = parsed.get(name) ?? sourcesOf(name);
  parsed.set(name, sources);
  const source = sources.find((one) => one.file === file);
  if (!source) throw new Error(`There is no packages/${name}/src/${file}`);
  return source.program;
}

/** The texts of a union type, or of a field of an interface (`Problem.because`). */
export function membersOf(name: string, file: string, type: string): string[] {
  const [typeName, field] = type.split('.');
  for (const node of nodesOf(programOf(name, file))) {
    if (!/^TS(TypeAlias|Interface)Declaration$/.test(node.type) || (node.id as Node).name !== typeName) continue;
    const declared = field === undefined ? node : fieldsOfBody(node).find((one) => (one.key as Node).name === field);
    if (declared) return literalsOf(declared);
  }
  throw new Error(`no type ${type} in packages/${name}/src/${file}`);
}

/** The names of all fields in the declaration of a type, also of those within others. */
export function fieldNamesOf(name: string, file: string, type: string): string[] {
  for (const node of nodesOf(programOf(name, file))) {
    if (!/^TS(TypeAlias|Interface)Declaration$/.test(node.type) || (node.id as Node).name !== type) continue;
    return [...nodesOf(node)].filter((one) => one.type === 'TSPropertySignature').map(({ key }) => String((key as Node).name));
  }
  throw new Error(`no type ${type} in packages/${name}/src/${file}`);
}

/** A member of an interface. */
export interface Member {
  name: string;
  optional: boolean;
}

/** The members of an interface of a package, wherever in its sources it is. */
export function interfaceOf(name: string, interfaceName: string): Member[] {
  const members = interfacesOf(name).get(interfaceName);
  if (!members) throw new Error(`no interface ${interfaceName} in packages/${name}/src`);
  return members;
}

const indexed = new Map<string, Map<string, Member[]>>();

function interfacesOf(name: string): Map<string, Member[]> {
  const known = indexed.get(name);
  if (known) return known;
  const found = new Map<string, Member[]>();
  for (const { program } of sourcesOf(name)) {
    for (const node of nodesOf(program)) {
      if (node.type !== 'TSInterfaceDeclaration') continue;
      const members = fieldsOfBody(node).flatMap(({ key, optional }) =>
        key === undefined ? [] : [{ name: String((key as Node).name), optional: optional === true }],
      );
      found.set(String((node.id as Node).name), members);
    }
  }
  indexed.set(name, found);
  return found;
}

function fieldsOfBody(declaration: Node): Node[] {
  return (declaration.body as Node).body as Node[];
}

function literalsOf(node: Node): string[] {
  return [...nodesOf(node)]
    .filter(({ type, value }) => type === 'Literal' && typeof value === 'string')
    .map(({ value }) => String(value));
}
