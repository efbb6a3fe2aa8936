/** What an agenda holds. */
export interface Happening {
  /** Its time has come. */
  happens(): void;
}
