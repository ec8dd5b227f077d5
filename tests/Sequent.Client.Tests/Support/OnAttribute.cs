using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using NUnit.Framework.Internal.Builders;
using Sequent.Protocol;

namespace Sequent.Client.Tests.Support;

/// <summary>
/// A test that holds on a bus of the named protocols, and runs once on each. V1 is a bus that answers no subprotocol, as the original one. What is only
/// marked as a test holds on V2.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OnAttribute(params ProtocolVersion[] protocols) : NUnitAttribute, ITestBuilder, IImplyFixture
{
    private const string Property = "Protocol";

    private static readonly NUnitTestCaseBuilder Builder = new();

    /// <summary>The protocol of the test that runs.</summary>
    public static ProtocolVersion Present => TestContext.CurrentContext.Test.Properties.Get(Property) is ProtocolVersion protocol ? protocol : ProtocolVersion.V2;

    public IEnumerable<TestMethod> BuildFrom(IMethodInfo method, NUnit.Framework.Internal.Test? suite)
    {
        foreach (var protocol in protocols)
        {
            var test = Builder.BuildTestMethod(method, suite, null);
            test.Name = test.FullName = $"{method.Name}({protocol})";
            test.FullName = $"{suite?.FullName}.{test.Name}";
            test.Properties.Set(Property, protocol);
            test.Properties.Add(PropertyNames.Category, protocol.ToString());
            yield return test;
        }
    }
}
