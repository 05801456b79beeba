target datalayout = "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

define internal void @double$0(float* %p0, i64 %p1) nounwind convergent alwaysinline {
b0:
  %v3 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %v4 = sext i32 %v3 to i64
  %v5 = icmp slt i64 %v4, %p1
  br i1 %v5, label %b1, label %b2
b1:
  %v7 = getelementptr inbounds float, float* %p0, i64 %v4
  %v8 = load float, float* %v7, align 4
  %v9 = fadd float %v8, %v8
  store float %v9, float* %v7, align 4
  ret void
b2:
  ret void
}

define void @naja_double$0(float* %a0, i64 %a1) nounwind convergent {
  call void @double$0(float* %a0, i64 %a1)
  ret void
}

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x() nounwind readnone
!0 = !{void (float*, i64)* @naja_double$0, !"kernel", i32 1}
!nvvm.annotations = !{!0}
!1 = !{i32 2, i32 0, i32 3, i32 1}
!nvvmir.version = !{!1}
