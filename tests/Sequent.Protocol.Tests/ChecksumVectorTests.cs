using System.Text;

namespace Sequent.Protocol.Tests;

/// <summary>Every row the original bus left us.</summary>
public sealed class ChecksumVectorTests
{
    private static IEnumerable<TestCaseData> PortableRows => ChecksumVector.Cases(v => v is { Error: false, Portable: true });

    private static IEnumerable<TestCaseData> InexactRows => ChecksumVector.Cases(v => v is { Error: false, Portable: false });

    private static IEnumerable<TestCaseData> RefusedRows => ChecksumVector.Cases(v => v.Error);

    [TestCaseSource(nameof(PortableRows))]
    public void Prints_and_hashes_as_the_original_bus(ChecksumVector row)
    {
        Assert.That(() => StrictJson.Validate(row.InputBytes, WireNames.MaxDepth), Throws.Nothing);
        Assert.That(Encoding.UTF8.GetString(CanonicalJson.Format(row.InputBytes)), Is.EqualTo(row.Canonical));
        Assert.That(Checksum.Compute(row.InputBytes), Is.EqualTo(row.Sha1));
    }

    [TestCaseSource(nameof(InexactRows))]
    public void Prints_correctly_rounded_where_the_original_bus_did_not(ChecksumVector row)
    {
        Assert.That(() => StrictJson.Validate(row.InputBytes, WireNames.MaxDepth), Throws.Nothing);
        Assert.That(Encoding.UTF8.GetString(CanonicalJson.Format(row.InputBytes)), Is.EqualTo(row.CanonicalPortable));
    }

    [TestCaseSource(nameof(RefusedRows))]
    public void Refuses_what_the_original_bus_ignored(ChecksumVector row)
    {
        Assert.That(
            () => StrictJson.Validate(row.InputBytes, WireNames.MaxDepth),
            Throws.TypeOf<ProtocolException>().With.Property(nameof(ProtocolException.Code)).EqualTo(ErrorCodes.MalformedJson));
    }
}
