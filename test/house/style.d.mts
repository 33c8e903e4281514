export function styleFindings(file: string, text: string): string[];
export function staleRows(page: string, cases: number): string[];
