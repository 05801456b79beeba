
define internal void @split.0.r0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i32 %p1, i32 %p2, ptr %p3, i64 %p4, i64 %p5, ptr %p6, ptr %p7, ptr %p8, i32 %p9, i32 %p10, ptr %p11) nounwind uwtable alwaysinline {
b0:
  %v13 = add i32 %sr0, 0
  %v14 = icmp slt i32 %v13, %p1
  %v16 = sext i32 %v13 to i64
  %v17 = getelementptr inbounds i32, ptr %p0, i64 %v16
  br label %b1
b1:
  br i1 %v14, label %b2, label %b6
b2:
  %v18 = load i32, ptr %v17, align 4
  br label %b3
b3:
  %v23 = icmp slt i32 0, %p2
  br i1 %v23, label %b4, label %b5
b4:
  %v27 = load i32, ptr %p8, align 4
  %v28 = add i32 %v27, 1
  store i32 %v28, ptr %p8, align 4
  %v30 = icmp ne i32 %v18, 0
  %v31 = select i1 %v30, i32 1, i32 0
  %v32 = load i32, ptr %p7, align 4
  %v33 = add i32 %v32, %v31
  store i32 %v33, ptr %p7, align 4
  %v36 = mul i64 %p5, 4
  %v37 = getelementptr inbounds i8, ptr %p3, i64 %v36
  %v39 = getelementptr inbounds i32, ptr %v37, i64 %p4
  store i32 %v18, ptr %v39, align 4
  %v42 = mul i64 %p5, 8
  %v43 = getelementptr inbounds i8, ptr %p3, i64 %v42
  %v45 = getelementptr inbounds i32, ptr %v43, i64 %p4
  store i32 0, ptr %v45, align 4
  store i32 0, ptr %p11, align 4
  store i32 1, ptr %p6, align 4
  %v50 = mul i64 %p5, 0
  %v51 = getelementptr inbounds i8, ptr %p3, i64 %v50
  %v53 = getelementptr inbounds i32, ptr %v51, i64 %p4
  store i32 1, ptr %v53, align 4
  ret void
b5:
  store i32 %v18, ptr %v17, align 4
  %v57 = mul i64 %p5, 0
  %v58 = getelementptr inbounds i8, ptr %p3, i64 %v57
  %v60 = getelementptr inbounds i32, ptr %v58, i64 %p4
  store i32 0, ptr %v60, align 4
  ret void
b6:
  %v63 = mul i64 %p5, 0
  %v64 = getelementptr inbounds i8, ptr %p3, i64 %v63
  %v66 = getelementptr inbounds i32, ptr %v64, i64 %p4
  store i32 0, ptr %v66, align 4
  ret void
}

define internal void @split.0.r1(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i32 %p1, i32 %p2, ptr %p3, i64 %p4, i64 %p5, ptr %p6, ptr %p7, ptr %p8, i32 %p9, i32 %p10, ptr %p11) nounwind uwtable alwaysinline {
b0:
  %v14 = mul i64 %p5, 4
  %v15 = getelementptr inbounds i8, ptr %p3, i64 %v14
  %v17 = getelementptr inbounds i32, ptr %v15, i64 %p4
  %v18 = load i32, ptr %v17, align 4
  %v22 = mul i64 %p5, 8
  %v23 = getelementptr inbounds i8, ptr %p3, i64 %v22
  %v25 = getelementptr inbounds i32, ptr %v23, i64 %p4
  %v26 = load i32, ptr %v25, align 4
  %v71 = add i32 %sr0, 0
  %v72 = sext i32 %v71 to i64
  %v73 = getelementptr inbounds i32, ptr %p0, i64 %v72
  br label %b3
b1:
  %v38 = icmp slt i32 %v68, %p2
  br i1 %v38, label %b2, label %b4
b2:
  %v42 = load i32, ptr %p8, align 4
  %v43 = add i32 %v42, 1
  store i32 %v43, ptr %p8, align 4
  %v46 = icmp ne i32 %v26, 0
  %v47 = select i1 %v46, i32 1, i32 0
  %v48 = load i32, ptr %p7, align 4
  %v49 = add i32 %v48, %v47
  store i32 %v49, ptr %p7, align 4
  %v52 = mul i64 %p5, 4
  %v53 = getelementptr inbounds i8, ptr %p3, i64 %v52
  %v55 = getelementptr inbounds i32, ptr %v53, i64 %p4
  store i32 %v26, ptr %v55, align 4
  %v58 = mul i64 %p5, 8
  %v59 = getelementptr inbounds i8, ptr %p3, i64 %v58
  %v61 = getelementptr inbounds i32, ptr %v59, i64 %p4
  store i32 %v18, ptr %v61, align 4
  ret void
b3:
  %v68 = add i32 %p10, %p9
  br label %b1
b4:
  store i32 %v26, ptr %v73, align 4
  %v76 = mul i64 %p5, 0
  %v77 = getelementptr inbounds i8, ptr %p3, i64 %v76
  %v79 = getelementptr inbounds i32, ptr %v77, i64 %p4
  store i32 0, ptr %v79, align 4
  ret void
}

define internal void @split.0.r1.all(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i32 %p1, i32 %p2, ptr %p3, i64 %p4, i64 %p5, ptr %p6, ptr %p7, ptr %p8, i32 %p9, i32 %p10, ptr %p11) nounwind uwtable alwaysinline {
b0:
  br label %b3
b1:
  %v38 = icmp slt i32 %v68, %p2
  br i1 %v38, label %b2, label %b4
b2:
  store i32 %v68, ptr %p11, align 4
  store i32 1, ptr %p6, align 4
  ret void
b3:
  %v68 = add i32 %p10, %p9
  br label %b1
b4:
  ret void
}

define i32 @naja.split.0(ptr noalias readonly %args, ptr noalias %ctx) nounwind uwtable {
entry:
  %t0 = getelementptr inbounds i8, ptr %ctx, i64 12
  %sr3 = load i32, ptr %t0, !range !0
  %t1 = getelementptr inbounds i8, ptr %ctx, i64 16
  %sr4 = load i32, ptr %t1, !range !0
  %t2 = getelementptr inbounds i8, ptr %ctx, i64 20
  %sr5 = load i32, ptr %t2, !range !0
  %t3 = getelementptr inbounds i8, ptr %ctx, i64 24
  %sr6 = load i32, ptr %t3, !range !0
  %t4 = getelementptr inbounds i8, ptr %ctx, i64 28
  %sr7 = load i32, ptr %t4, !range !0
  %t5 = getelementptr inbounds i8, ptr %ctx, i64 32
  %sr8 = load i32, ptr %t5, !range !0
  %t6 = getelementptr inbounds i8, ptr %ctx, i64 36
  %sr9 = load i32, ptr %t6, !range !0
  %t7 = getelementptr inbounds i8, ptr %ctx, i64 40
  %sr10 = load i32, ptr %t7, !range !0
  %t8 = getelementptr inbounds i8, ptr %ctx, i64 44
  %sr11 = load i32, ptr %t8, !range !0
  %t9 = getelementptr inbounds i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %t9
  %t10 = getelementptr inbounds i8, ptr %ctx, i64 56
  %dynshared = load ptr, ptr %t10
  %t11 = getelementptr inbounds i64, ptr %args, i64 0
  %t12 = load ptr, ptr %t11
  %t13 = getelementptr inbounds i64, ptr %args, i64 1
  %t14 = load i32, ptr %t13
  %t15 = getelementptr inbounds i64, ptr %args, i64 2
  %t16 = load i32, ptr %t15
  %t17 = getelementptr inbounds i8, ptr %ctx, i64 80
  %frame = load ptr, ptr %t17
  %n0 = zext nneg i32 %sr6 to i64
  %n1 = zext nneg i32 %sr7 to i64
  %n2 = zext nneg i32 %sr8 to i64
  %n01 = mul nuw nsw i64 %n0, %n1
  %n = mul nuw nsw i64 %n01, %n2
  %n.up = add nuw nsw i64 %n, 15
  %stride = and i64 %n.up, -16
  %next = alloca i32
  %count = alloca i32
  %arrived = alloca i32
  store i32 0, ptr %count
  store i32 0, ptr %arrived
  store i32 0, ptr %next
  %u0 = alloca i32
  br label %r0
r0:
  %t18 = load i32, ptr %count
  %t19 = load i32, ptr %arrived
  store i32 0, ptr %count
  store i32 0, ptr %arrived
  store i32 0, ptr %next
  br label %r0.loop.z
r0.loop.z:
  %r0.z = phi i32 [ 0, %r0 ], [ %r0.next.z, %r0.latch.z ]
  %r0.z64 = zext nneg i32 %r0.z to i64
  %r0.plane = mul nuw nsw i64 %r0.z64, %n1
  br label %r0.loop.y
r0.loop.y:
  %r0.y = phi i32 [ 0, %r0.loop.z ], [ %r0.next.y, %r0.latch.y ]
  %r0.y64 = zext nneg i32 %r0.y to i64
  %r0.rows = add nuw nsw i64 %r0.plane, %r0.y64
  %r0.row = mul nuw nsw i64 %r0.rows, %n0
  br label %r0.loop.x
r0.loop.x:
  %r0.x = phi i32 [ 0, %r0.loop.y ], [ %r0.next.x, %r0.latch.x ]
  %r0.x64 = zext nneg i32 %r0.x to i64
  %r0.line = add nuw nsw i64 %r0.row, %r0.x64
  call void @split.0.r0(ptr %ctx, i32 %r0.x, i32 %r0.y, i32 %r0.z, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t12, i32 %t14, i32 %t16, ptr %frame, i64 %r0.line, i64 %stride, ptr %next, ptr %count, ptr %arrived, i32 0, i32 undef, ptr %u0)
  br label %r0.latch.x
r0.latch.x:
  %r0.next.x = add nuw nsw i32 %r0.x, 1
  %r0.more.x = icmp slt i32 %r0.next.x, %sr6
  br i1 %r0.more.x, label %r0.loop.x, label %r0.latch.y
r0.latch.y:
  %r0.next.y = add nuw nsw i32 %r0.y, 1
  %r0.more.y = icmp slt i32 %r0.next.y, %sr7
  br i1 %r0.more.y, label %r0.loop.y, label %r0.latch.z
r0.latch.z:
  %r0.next.z = add nuw nsw i32 %r0.z, 1
  %r0.more.z = icmp slt i32 %r0.next.z, %sr8
  br i1 %r0.more.z, label %r0.loop.z, label %r0.done
r0.done:
  %t20 = load i32, ptr %next
  switch i32 %t20, label %finish [ i32 1, label %r1 ]
r1:
  %t21 = load i32, ptr %count
  %t22 = load i32, ptr %arrived
  store i32 0, ptr %count
  store i32 0, ptr %arrived
  %t23 = load i32, ptr %u0
  store i32 0, ptr %next
  call void @split.0.r1.all(ptr %ctx, i32 0, i32 0, i32 0, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t12, i32 %t14, i32 %t16, ptr %frame, i64 0, i64 %stride, ptr %next, ptr %count, ptr %arrived, i32 %t21, i32 %t23, ptr %u0)
  br label %r1.loop.z
r1.loop.z:
  %r1.z = phi i32 [ 0, %r1 ], [ %r1.next.z, %r1.latch.z ]
  %r1.z64 = zext nneg i32 %r1.z to i64
  %r1.plane = mul nuw nsw i64 %r1.z64, %n1
  br label %r1.loop.y
r1.loop.y:
  %r1.y = phi i32 [ 0, %r1.loop.z ], [ %r1.next.y, %r1.latch.y ]
  %r1.y64 = zext nneg i32 %r1.y to i64
  %r1.rows = add nuw nsw i64 %r1.plane, %r1.y64
  %r1.row = mul nuw nsw i64 %r1.rows, %n0
  br label %r1.loop.x
r1.loop.x:
  %r1.x = phi i32 [ 0, %r1.loop.y ], [ %r1.next.x, %r1.latch.x ]
  %r1.x64 = zext nneg i32 %r1.x to i64
  %r1.line = add nuw nsw i64 %r1.row, %r1.x64
  %t24 = getelementptr inbounds i32, ptr %frame, i64 %r1.line
  %t25 = load i32, ptr %t24
  %t26 = icmp eq i32 %t25, 0
  br i1 %t26, label %r1.latch.x, label %r1.body
r1.body:
  call void @split.0.r1(ptr %ctx, i32 %r1.x, i32 %r1.y, i32 %r1.z, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t12, i32 %t14, i32 %t16, ptr %frame, i64 %r1.line, i64 %stride, ptr %next, ptr %count, ptr %arrived, i32 %t21, i32 %t23, ptr %u0)
  br label %r1.latch.x
r1.latch.x:
  %r1.next.x = add nuw nsw i32 %r1.x, 1
  %r1.more.x = icmp slt i32 %r1.next.x, %sr6
  br i1 %r1.more.x, label %r1.loop.x, label %r1.latch.y
r1.latch.y:
  %r1.next.y = add nuw nsw i32 %r1.y, 1
  %r1.more.y = icmp slt i32 %r1.next.y, %sr7
  br i1 %r1.more.y, label %r1.loop.y, label %r1.latch.z
r1.latch.z:
  %r1.next.z = add nuw nsw i32 %r1.z, 1
  %r1.more.z = icmp slt i32 %r1.next.z, %sr8
  br i1 %r1.more.z, label %r1.loop.z, label %r1.done
r1.done:
  %t27 = load i32, ptr %next
  switch i32 %t27, label %finish [ i32 1, label %r1 ]
finish:
  ret i32 0
}

!0 = !{i32 0, i32 2147483647}
