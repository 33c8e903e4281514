export function closedFolder(place: string): string | undefined;
export function refuseClosedFolder(place: string): void;
