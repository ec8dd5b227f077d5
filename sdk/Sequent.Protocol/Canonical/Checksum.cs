using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Sequent.Protocol;

/// <summary>The checksum by which a receipt names an event: equal data have equal checksums, however they are spelled.</summary>
public static class Checksum
{
    // Two thirds of the time of SHA1.HashData, which sets everything up anew each time.
    [ThreadStatic]
    private static IncrementalHash? _sha1;

    /// <summary>Computes the checksum of the data of an event.</summary>
    /// <param name="json">The data in UTF-8, nested at most <see cref="WireNames.MaxDepth"/> deep.</param>
    /// <returns>The SHA-1 of the text of <see cref="CanonicalJson"/>, as 40 lower-case hexadecimal digits.</returns>
    /// <exception cref="ProtocolException">The text is not JSON as <see cref="StrictJson"/> accepts it; the code is
    /// <see cref="ErrorCodes.MalformedJson"/>.</exception>
    [SuppressMessage("Security", "CA5350", Justification = "The wire prescribes SHA-1. It identifies data; it does not secure them.")]
    public static string Compute(ReadOnlySpan<byte> json)
    {
        using var writer = CanonicalWriter.Take();
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        var canonical = writer.Run(json);
        _sha1 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        _sha1.AppendData(canonical);
        _sha1.GetHashAndReset(hash);
        return Convert.ToHexStringLower(hash);
    }
}
