export declare function release1Folder(): string;
export declare function importRelease1(specifier: string): Promise<unknown>;
