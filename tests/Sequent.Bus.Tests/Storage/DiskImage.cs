namespace Sequent.Bus.Tests.Storage;

/// <summary>What the disk holds when the power fails: everything up to a file's last sync, and of what was written after that nothing, or whatever the disk had got to.</summary>
internal sealed class DiskImage(IReadOnlyList<FileOperation> operations)
{
    /// <summary>The unit that a disk writes whole.</summary>
    private const int SectorBytes = 512;

    /// <summary>Writes the files as they are after so many operations.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="cut">The power failed after so many operations.</param>
    /// <param name="luck">Decides what of the writes without a sync arrived nevertheless, sector by sector; null: nothing of them.</param>
    public void WriteTo(string folder, int cut, Random? luck)
    {
        foreach (var path in operations.Take(cut).Select(o => o.Path).Distinct())
        {
            if (Build(path, cut, luck) is { } file)
                File.WriteAllBytes(Path.Combine(folder, Path.GetFileName(path)), file.ToArray());
        }
    }

    private MemoryStream? Build(string path, int cut, Random? luck)
    {
        var file = new MemoryStream();
        var exists = false;
        var lastSync = LastSync(path, cut);
        for (var i = 0; i < cut; i++)
        {
            var operation = operations[i];
            if (operation.Path != path || operation.Kind == FileOperationKind.Sync)
                continue;
            if (operation.Kind is FileOperationKind.Delete or FileOperationKind.DeleteForGood)
            {
                if (operation.Kind == FileOperationKind.DeleteForGood || luck?.Next(2) == 0)
                    (file, exists) = (new MemoryStream(), false);
                continue;
            }

            exists = true;
            if (i < lastSync)
                Apply(operation, file);
            else if (luck is not null)
                ApplyPartly(operation, file, luck);
        }

        return exists ? file : null;
    }

    /// <summary>Whatever was done to the file before this is on disk.</summary>
    private int LastSync(string path, int cut)
    {
        for (var i = cut - 1; i >= 0; i--)
        {
            if (operations[i].Kind == FileOperationKind.Sync && operations[i].Path == path)
                return i;
        }

        return 0;
    }

    private static void Apply(FileOperation operation, MemoryStream file)
    {
        if (operation.Kind == FileOperationKind.Truncate)
            file.SetLength(operation.Offset);
        else
            Write(file, operation.Offset, operation.Data);
    }

    private static void ApplyPartly(FileOperation operation, MemoryStream file, Random luck)
    {
        if (operation.Kind == FileOperationKind.Truncate)
        {
            if (luck.Next(2) == 0)
                file.SetLength(operation.Offset);
            return;
        }

        for (var at = 0; at < operation.Data.Length; at += SectorBytes)
        {
            if (luck.Next(4) != 0)
                Write(file, operation.Offset + at, operation.Data.AsSpan(at, Math.Min(SectorBytes, operation.Data.Length - at)));
        }
    }

    private static void Write(MemoryStream file, long offset, ReadOnlySpan<byte> data)
    {
        if (file.Length < offset)
            file.SetLength(offset);
        file.Position = offset;
        file.Write(data);
    }
}
