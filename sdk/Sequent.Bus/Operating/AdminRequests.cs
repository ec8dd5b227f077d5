using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace Sequent.Bus.Operating;

/// <summary>What can be asked under <c>/admin</c>, told to whoever asks for something else.</summary>
internal static class AdminRequests
{
    /// <summary>Lists every request, and answers in words what fits none of them.</summary>
    public static void Map(RouteGroupBuilder admin)
    {
        admin.MapGet("/", (EndpointDataSource endpoints) => AdminEndpoints.Json(new AdminRoutes([.. Describe(endpoints)]), AdminJson.Readable.AdminRoutes));
        admin.Map("/{**rest}", (HttpContext http) =>
            AdminEndpoints.Fault(StatusCodes.Status404NotFound, $"There is no {http.Request.Method} {http.Request.Path}. Ask the admin root for what there is."));
        ((IEndpointConventionBuilder)admin).Finally(endpoint =>
        {
            var inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = http => ServeAsync(inner, http);
        });
    }

    /// <summary>A parameter that is missing or no number ends in a bare 400, before any code of ours.</summary>
    private static async Task ServeAsync(RequestDelegate inner, HttpContext http)
    {
        await inner(http);
        if (http.Response is { StatusCode: StatusCodes.Status400BadRequest, HasStarted: false } && http.GetEndpoint() is RouteEndpoint endpoint)
            await AdminEndpoints.Fault(StatusCodes.Status400BadRequest, $"A parameter is missing or not what it must be: {Describe(endpoint)}").ExecuteAsync(http);
    }

    private static IEnumerable<string> Describe(EndpointDataSource endpoints) =>
        endpoints.Endpoints.OfType<RouteEndpoint>().Where(e => e.Metadata.GetMetadata<IsAdminRequest>() is not null && e.RoutePattern.Parameters.Count == 0)
            .Select(Describe).Order(StringComparer.Ordinal);

    private static string Describe(RouteEndpoint endpoint)
    {
        var method = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods[0];
        var parameters = endpoint.Metadata.OfType<IParameterBindingMetadata>().Where(p => IsQuery(p.ParameterInfo)).Select(p => $"{p.Name}={Kind(p)}").ToArray();
        return $"{method} {endpoint.RoutePattern.RawText}{(parameters.Length > 0 ? "?" : "")}{string.Join('&', parameters)}";
    }

    private static bool IsQuery(ParameterInfo parameter) => Type(parameter) == typeof(string) || Type(parameter).IsPrimitive;

    private static string Kind(IParameterBindingMetadata parameter) =>
        $"<{(Type(parameter.ParameterInfo) == typeof(string) ? "text" : "number")}{(parameter.IsOptional ? ", optional" : "")}>";

    private static Type Type(ParameterInfo parameter) => Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
}

/// <summary>Marks a request of the operator.</summary>
internal sealed class IsAdminRequest;
