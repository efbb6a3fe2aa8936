/** Whether a folder is on a network file system, whose locks and shared memory SQLite cannot rely on. */
import { readFile, realpath, statfs } from "node:fs/promises";
import { sep } from "node:path";

/** The kernel's magic numbers (linux/magic.h and the file systems' own headers). */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xfe534d42, "SMB"],
  [0xff534d42, "CIFS"],
  [0x01021997, "9p"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
]);

const FUSE_TYPE = 0x65735546;

/** What may hide behind FUSE: local disks are mounted by it too, so these are known by their mount's name. */
const NETWORK_FUSE = /^fuse\.(sshfs|s3fs|rclone|gcsfuse|goofys|glusterfs|ceph|mount-s3|davfs2?|curlftpfs|smbnetfs)/;

/** The name of the network file system that `folder` is on, or null: it is local, or the platform does not tell. */
export async function networkFileSystem(folder: string): Promise<string | null> {
  if (process.platform !== "linux") return null;
  const type = (await statfs(folder)).type >>> 0;
  if (type !== FUSE_TYPE) return networkType(type);
  return networkMount(await readFile("/proc/self/mounts", "utf8"), await realpath(folder));
}

/** The network file system with this magic number, or null. */
export function networkType(type: number): string | null {
  return NETWORK_TYPES.get(type) ?? null;
}

/** The network file system among the FUSE `mounts` (as in /proc/self/mounts) that holds `folder`, or null. */
export function networkMount(mounts: string, folder: string): string | null {
  let longest = "";
  let kind = "";
  for (const line of mounts.split("\n")) {
    const [, escaped = "", type = ""] = line.split(" ");
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const isAround = folder === point || folder.startsWith(point.endsWith(sep) ? point : point + sep);
    if (!isAround || point.length < longest.length) continue;
    longest = point;
    kind = type;
  }
  return NETWORK_FUSE.test(kind) ? kind : null;
}
